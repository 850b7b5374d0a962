/**
 * A real job, driven through the built server by a real MCP client: a dev server that takes its time, a request to
 * it, a build that fails, a turn of a REPL, and an end that leaves nothing behind. Prints what happened.
 */
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const programs = new URL('./programs/', import.meta.url).pathname;
const server = new URL('../dist/cli.js', import.meta.url).pathname;
const node = process.execPath;

const client = new Client({ name: 'proctor-demo', version: '1.0.0' });
const transport = new StdioClientTransport({ command: node, args: [server], stderr: 'inherit' });

type Facts = Record<string, unknown>;

function heading(text: string): void {
  console.log(`\n\x1b[1m${text}\x1b[0m`);
}

/** Calls a tool, prints the call and its answer as a model would see them, and returns the structured facts. */
async function call(name: string, args: Facts): Promise<{ facts: Facts; text: string }> {
  console.log(`\x1b[36m→ ${name} ${JSON.stringify(args)}\x1b[0m`);
  const begun = performance.now();
  const result = await client.callTool({ name, arguments: args });
  const text = result.content.map((part) => (part.type === 'text' ? part.text : `(${part.type})`)).join('\n');
  console.log(text.trimEnd().replace(/^/gm, '  '));
  console.log(`\x1b[2m  (${(performance.now() - begun).toFixed(0)} ms)\x1b[0m`);
  if (result.isError === true) throw new Error(`${name} failed: ${text}`);
  return { facts: (result.structuredContent ?? {}) as Facts, text };
}

function check(claim: string, holds: boolean): void {
  console.log(`${holds ? '\x1b[32m✓' : '\x1b[31m✗'} ${claim}\x1b[0m`);
  if (!holds) process.exitCode = 1;
}

/** Signal 0 reaches zombies, too: where /proc tells the state, a process that only waits to be reaped is dead. */
function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch (error) {
    return existsSync('/proc/self') ? false : (error as NodeJS.ErrnoException).code === 'ENOENT';
  }
}

async function devServer(): Promise<number> {
  heading('A dev server that takes its time: started, and known to be ready, in one call');
  const started = await call('run_background', {
    command: `exec "${node}" slow-server.mjs`,
    cwd: programs,
    name: 'web',
    wait_for: { log: 'ready', failure_log: 'EADDRINUSE', timeout_ms: 15_000 },
  });
  check('the log told', (started.facts['wait'] as Facts)['outcome'] === 'matched');

  heading('Which port did it open? Only a port of its own process tree counts');
  const { facts } = await call('wait_for_port', { id: 'web', mode: 'http', timeout_ms: 10_000 });
  check(`it answers HTTP on port ${String(facts['port'])}`, facts['outcome'] === 'ready');
  const page = await (await fetch(String(facts['url']))).text();
  check(`a request to it gets: ${page.trim()}`, page.includes('hello'));
  await call('wait_for_log', { id: 'web', pattern: 'GET (?<path>\\S+)', timeout_ms: 5000 });
  await call('get_output', { id: 'web' });
  return Number(started.facts['pid']);
}

async function failingBuild(): Promise<void> {
  heading('A build that fails: the reason, not four hundred lines of progress');
  const { facts } = await call('run_background', {
    command: node,
    args: ['failing-build.mjs'],
    cwd: programs,
    name: 'build',
    wait_for: { exit: true, timeout_ms: 15_000 },
  });
  check('it failed by itself with exit code 2', facts['exit_code'] === 2 && facts['cause'] === 'self');
  const errors = await call('get_output', { id: 'build', stream: 'stderr' });
  check('stderr names the place', errors.text.includes('src/checkout.ts:42:17'));
}

async function repl(): Promise<void> {
  heading('A REPL: one call is one turn');
  await call('run_background', { command: node, args: ['-i'], name: 'repl', wait_for: { log: '> ' } });
  const turn = await call('send_stdin', {
    id: 'repl',
    text: '6 * 7',
    wait_for: { log: '> ', timeout_ms: 5000 },
  });
  check('it answered 42', turn.text.includes('42'));
}

async function nothingLeft(web: number): Promise<void> {
  heading('A program that hides a daemon: a session of its own, deaf to SIGTERM');
  await call('run_background', {
    command: './runaway.sh',
    cwd: programs,
    name: 'runaway',
    wait_for: { log: 'hiding' },
  });
  const killed = await call('kill_process', { id: 'runaway', grace_ms: 500 });
  const [entry] = killed.facts['processes'] as { killed: number[]; survivors: number[] }[];
  check(`${entry?.killed.length ?? 0} processes died`, (entry?.killed.length ?? 0) >= 2);
  check('none of them is left', entry?.survivors.length === 0 && entry.killed.every((pid) => !alive(pid)));

  heading('What still runs, and then the client goes away without a word');
  const { facts } = await call('list_processes', { status: 'live' });
  const pids = (facts['processes'] as { pid: number }[]).map(({ pid }) => pid);
  await client.close();
  for (let i = 0; i < 100 && pids.some(alive); i++) await sleep(50);
  check(`pids ${pids.join(', ')} are gone with the server`, pids.includes(web) && !pids.some(alive));
}

await client.connect(transport);
const info = client.getServerVersion();
console.log(`Connected to ${info?.name ?? '?'} ${info?.version ?? '?'}`);
const web = await devServer();
await failingBuild();
await repl();
await nothingLeft(web);
console.log(process.exitCode === 1 ? '\nSomething above did not hold.' : '\nAll of it held.');
