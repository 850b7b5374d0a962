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

const WARNINGS = ['-Wall', '-Wextra', '-Werror', '-Wconversion', '-Wshadow'];
const SMALL = ['-O2', '-s', '-fdata-sections', '-ffunction-sections', '-Wl,--gc-sections'];
const SANITIZE = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];

/** Compilers to try in turn. musl's static programs are a tenth of the size of glibc's. */
function compilers(target) {
  if (process.env.CC) return [process.env.CC.split(' ')];
  const [, arch] = target.split('-');
  const triple = { x64: 'x86_64', arm64: 'aarch64' }[arch];
  const cross = triple
    ? [
        [`${triple}-linux-musl-gcc`],
        ['zig', 'cc', '-target', `${triple}-linux-musl`],
        [`${triple}-linux-gnu-gcc`],
      ]
    : [];
  return target === HOST ? [['musl-gcc'], ['cc'], ['gcc'], ['clang'], ...cross] : cross;
}

/** Where there is no static libc, a program that loads it does too. */
const LINKS = [['-static'], []];

function compile([command, ...args], flags, out) {
  const result = spawnSync(command, [...args, '-std=c11', ...WARNINGS, ...flags, '-o', out, SOURCE], {
    encoding: 'utf8',
  });
  if (result.error) return { missing: true, message: `${command}: ${result.error.code}` };
  return { missing: false, ok: result.status === 0, message: result.stderr.trim() };
}

/** Returns undefined, or why there is no binary. */
export function buildShim({ target = HOST, out = shimPath(target), sanitize = false, force = false } = {}) {
  if (!target.startsWith('linux-')) return `${target} has no native supervisor`;
  if (!force && !sanitize && upToDate(out)) return undefined;
  mkdirSync(dirname(out), { recursive: true });
  // A running one cannot be written to, but it can be replaced.
  const fresh = `${out}.${process.pid}`;
  const reasons = [];
  try {
    for (const compiler of compilers(target)) {
      for (const flags of sanitize ? [SANITIZE] : LINKS.map((link) => [...SMALL, ...link])) {
        const result = compile(compiler, flags, fresh);
        if (result.ok) {
          chmodSync(fresh, 0o755);
          renameSync(fresh, out);
          return undefined;
        }
        reasons.push(result.message);
        if (result.missing) break;
      }
    }
  } finally {
    rmSync(fresh, { force: true });
  }
  return `no compiler made ${target}: ${reasons.join('; ')}`;
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
      buildShim({ target: name, sanitize, force: true, ...(out !== undefined && !all && { out }) }),
    )
    .filter((reason) => reason !== undefined);
  for (const reason of reasons) console.error(reason);
  if (reasons.length > 0) process.exitCode = 1;
}
