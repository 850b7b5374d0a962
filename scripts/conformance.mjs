// Runs the official conformance suite against the real HTTP face, for both protocol eras. The suite needs Node 22 and
// many packages, which the project does not: both are installed under build/, on first use.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const HOME = join(ROOT, 'build', 'conformance');
const SUITE = '0.2.0-alpha.12';
const NODE = '22.23.3';
const REVISIONS = ['2025-11-25', '2026-07-28'];
/** The scenarios of the tasks extension, without those on tasks that ask their client for something: none does. */
const TASK_SCENARIOS = [
  'tasks-lifecycle',
  'tasks-capability-negotiation',
  'tasks-wire-fields',
  'tasks-request-state-removal',
  'tasks-request-headers',
  'tasks-dispatch-and-envelope',
  'tasks-required-task-error',
];

const stamp = join(HOME, `installed-${SUITE}-${NODE}`);
if (!existsSync(stamp)) {
  mkdirSync(HOME, { recursive: true });
  writeFileSync(join(HOME, 'package.json'), '{ "private": true }\n');
  const packages = [`@modelcontextprotocol/conformance@${SUITE}`, `node@${NODE}`];
  const { status } = spawnSync('npm', ['install', '--no-fund', '--no-audit', '--silent', ...packages], {
    cwd: HOME,
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('the conformance suite could not be installed');
  writeFileSync(stamp, '');
}

const server = spawn(
  join(ROOT, 'node_modules', '.bin', 'tsx'),
  [join(ROOT, 'test', 'conformance', 'server.ts')],
  {
    stdio: ['pipe', 'pipe', 'inherit'],
  },
);
const url = await new Promise((resolve, reject) => {
  let text = '';
  server.stdout.on('data', (chunk) => {
    text += chunk;
    if (text.includes('\n')) resolve(text.trim());
  });
  server.on('exit', () => reject(new Error('the server ended before it listened')));
});

const runs = [
  ...REVISIONS.map((revision) => ({
    title: revision,
    args: [
      ...['--requirements', revision],
      ...['--expected-failures', join(ROOT, 'test', 'conformance', `expected-failures.${revision}.yaml`)],
    ],
  })),
  // An extension belongs to no revision; the suite wants to be told to run it all the same.
  ...TASK_SCENARIOS.map((scenario) => ({
    title: scenario,
    args: ['--scenario', scenario, '--spec-version', '2026-07-28', '--force'],
  })),
];
const suite = join(HOME, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js');
let failed = false;
for (const { title, args } of runs) {
  console.log(`conformance to ${title}:`);
  const { status, stdout, stderr } = spawnSync(
    join(HOME, 'node_modules', 'node', 'bin', 'node'),
    [suite, 'server', '--url', url, ...args],
    { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  console.log(stdout.slice(Math.max(0, stdout.search(/=== SUMMARY ===|^Test Results:/m))));
  if (status !== 0) {
    failed = true;
    console.error(stderr);
  }
}
server.stdin.end();
process.exitCode = failed ? 1 : 0;
