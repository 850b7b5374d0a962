// Compiles native/shim.c.
//
//   node scripts/build-shim.mjs                              for this machine, into prebuilds/
//   node scripts/build-shim.mjs --target linux-arm64         for another one, with a cross compiler
//   node scripts/build-shim.mjs --all                        for every published target; names what is missing
//   node scripts/build-shim.mjs --sanitize                   for tests, into build/
//   --out FILE                                               elsewhere; the environment variable CC names the compiler
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const SOURCE = join(ROOT, 'native', 'shim.c');
const TARGETS = ['linux-x64', 'linux-arm64'];
const HOST = `${process.platform}-${process.arch}`;

const WARNINGS = ['-Wall', '-Wextra', '-Wconversion', '-Wshadow'];
const SMALL = ['-O2', '-s', '-fdata-sections', '-ffunction-sections', '-Wl,--gc-sections'];
const SANITIZE = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
const STATIC = [...SMALL, '-static'];

/** Compilers with their flags, to be tried in turn. musl's static programs are a tenth of the size of glibc's. */
function* attempts(target, sanitize) {
  const native = process.env.CC ? [process.env.CC.split(' ')] : [['cc'], ['gcc'], ['clang']];
  if (sanitize) {
    for (const compiler of native) yield [compiler, SANITIZE];
    return;
  }
  if (process.env.CC) {
    yield [native[0], STATIC];
    // Where there is no static libc, a program that loads it does too.
    yield [native[0], SMALL];
    return;
  }
  if (target === HOST) yield [['musl-gcc'], STATIC];
  const triple = { 'linux-x64': 'x86_64-linux', 'linux-arm64': 'aarch64-linux' }[target];
  if (target === HOST)
    for (const flags of [STATIC, SMALL]) for (const compiler of native) yield [compiler, flags];
  if (triple === undefined) return;
  yield [[`${triple}-musl-gcc`], STATIC];
  yield [['zig', 'cc', '-target', `${triple}-musl`], STATIC];
  yield [[`${triple}-gnu-gcc`], STATIC];
}

/** Undefined when done, else why not. */
function compile([command, ...args], flags, out) {
  const result = spawnSync(command, [...args, '-std=c11', ...WARNINGS, ...flags, '-o', out, SOURCE], {
    encoding: 'utf8',
  });
  if (result.error) return `${command}: ${result.error.code}`;
  return result.status === 0 ? undefined : result.stderr.trim();
}

/** Its check says 0 or 1; anything else comes from a loader that cannot run it. */
function runs(program) {
  return [0, 1].includes(spawnSync(program, ['--check'], { stdio: 'ignore' }).status);
}

/**
 * Returns undefined, or why there is no binary. `strict` takes warnings for errors: for those who change the source, not
 * for those who install with a compiler that warns of something new.
 */
export function buildShim({ target = HOST, out = shimPath(target), sanitize = false, strict = false } = {}) {
  if (!target.startsWith('linux-')) return `${target} has no native supervisor`;
  if (!strict && upToDate(out)) return undefined;
  mkdirSync(dirname(out), { recursive: true });
  // A running one cannot be written to, but it can be replaced.
  const fresh = `${out}.${process.pid}`;
  const reasons = [];
  try {
    for (const [compiler, flags] of attempts(target, sanitize)) {
      const reason = compile(compiler, strict ? [...flags, '-Werror'] : flags, fresh);
      if (reason === undefined && (target !== HOST || runs(fresh))) {
        chmodSync(fresh, 0o755);
        renameSync(fresh, out);
        return undefined;
      }
      reasons.push(reason ?? `what ${compiler[0]} made does not run`);
    }
  } finally {
    rmSync(fresh, { force: true });
  }
  return `no compiler made ${target}: ${[...new Set(reasons)].join('; ')}`;
}

export function shimPath(target = HOST) {
  return join(ROOT, 'prebuilds', target, 'proctor-shim');
}

function upToDate(out) {
  return existsSync(out) && statSync(out).mtimeMs >= statSync(SOURCE).mtimeMs;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      target: { type: 'string' },
      out: { type: 'string' },
      all: { type: 'boolean', default: false },
      sanitize: { type: 'boolean', default: false },
    },
  });
  const { all, sanitize, target = HOST } = values;
  const out = values.out ?? (sanitize ? join(ROOT, 'build', 'proctor-shim-sanitized') : undefined);
  const reasons = (all ? TARGETS : [target])
    .map((name) =>
      buildShim({ target: name, sanitize, strict: true, ...(out !== undefined && !all && { out }) }),
    )
    .filter((reason) => reason !== undefined);
  for (const reason of reasons) console.error(reason);
  if (reasons.length > 0 && !all) process.exitCode = 1;
}
