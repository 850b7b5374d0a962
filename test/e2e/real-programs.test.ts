import { cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENTS, fixtures, projectRoot, useServer } from '../helpers/start-server.ts';

const bin = join(projectRoot, 'node_modules/.bin');

let directory = '';
beforeAll(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), 'proctor-real-')));
});
afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe.each(CLIENTS)('an agent at work, client %s', (client) => {
  const server = useServer({ client });

  it('serves files with python3 -m http.server', async () => {
    writeFileSync(join(directory, 'hello.txt'), 'hello from a file');
    const run = await server().run('python3 -m http.server 0 --bind 127.0.0.1', {
      name: 'files',
      cwd: directory,
      wait_for: { port: true, http_path: '/hello.txt', timeout_ms: 15_000 },
    });
    expect(run.wait).toMatchObject({ by: 'port', outcome: 'ready', http_status: 200 });
    const response = await fetch(run.wait?.url ?? '');
    expect(await response.text()).toBe('hello from a file');
    const log = await server().ok('wait_for_log', {
      id: 'files',
      pattern: 'GET /hello\\.txt .* 200',
      stream: 'stderr',
    });
    expect(log.outcome).toBe('matched');
    const { processes } = await server().ok('kill_process', { id: 'files' });
    expect(processes).toMatchObject([{ status: 'killed', cause: 'kill_process', survivors: [] }]);
    await expect(fetch(run.wait?.url ?? '')).rejects.toThrow();
  });

  it('starts a Vite development server, edits the page, and restarts it', async () => {
    const app = join(directory, `vite-${client}`);
    cpSync(join(fixtures, 'vite-app'), app, { recursive: true });
    const start = {
      command: join(bin, 'vite'),
      args: ['--host', '127.0.0.1', '--port', '0', '--clearScreen', 'false'],
      name: 'vite',
      cwd: app,
      wait_for: { log: 'Local:\\s+(?<url>http://\\S+)', failure_log: '(?i)error', timeout_ms: 20_000 },
    };
    const run = await server().ok('run_background', start);
    expect(run.wait).toMatchObject({ by: 'log', outcome: 'matched' });
    // Vite colours the port even inside the URL: clean text has none of that.
    const url = run.wait?.named?.url ?? '';
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect(await (await fetch(`${url}main.js`)).text()).toContain('served by vite');
    const ready = await server().ok('wait_for_port', {
      id: 'vite',
      port: Number(new URL(url).port),
      path: '/',
    });
    expect(ready).toMatchObject({ outcome: 'ready', http_status: 200 });
    // A development server reads shortcuts from stdin: that is no prompt.
    expect((await server().snapshot('vite')).awaiting_input).toBe(false);

    const { next } = await server().output('vite');
    writeFileSync(join(app, 'index.html'), '<title>changed</title>');
    const reload = await server().ok('wait_for_log', { id: 'vite', pattern: 'page reload', since: next });
    expect(reload.outcome).toBe('matched');
    expect(await (await fetch(url)).text()).toContain('changed');

    const again = await server().ok('restart_process', { id: 'vite', wait_for: start.wait_for });
    expect(again).toMatchObject({ run: 2, wait: { by: 'log', outcome: 'matched' } });
    expect(run.pid).toBeGone();
  });

  it('watches TypeScript: ready, an edit, the new error', async () => {
    const project = realpathSync(mkdtempSync(join(directory, 'watch-')));
    const options = { strict: true, noEmit: true, skipLibCheck: true, types: [], lib: ['ES2022'] };
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: options, include: ['*.ts'] }),
    );
    writeFileSync(join(project, 'sum.ts'), 'export const sum: number = 1 + 1;\n');
    const run = await server().run(join(bin, 'tsc'), {
      args: ['--watch', '--preserveWatchOutput'],
      cwd: project,
      wait_for: { log: 'Found (?<errors>\\d+) errors?', timeout_ms: 20_000 },
    });
    expect(run.id).toBe('tsc');
    expect(run.wait).toMatchObject({ outcome: 'matched', named: { errors: '0' } });
    const { next } = await server().output('tsc');
    writeFileSync(join(project, 'sum.ts'), 'export const sum: number = "two";\n');
    const error = await server().ok('wait_for_log', {
      id: 'tsc',
      pattern: 'sum\\.ts.*error (TS\\d+)',
      since: next,
    });
    expect(error).toMatchObject({ outcome: 'matched', groups: ['TS2322'] });
    const found = await server().ok('wait_for_log', {
      id: 'tsc',
      pattern: 'Found (\\d+) error',
      since: error.cursor,
    });
    expect(found.groups).toEqual(['1']);
  });

  it('tells a build that fails from one that works', async () => {
    const project = realpathSync(mkdtempSync(join(directory, 'build-')));
    const args = ['--noEmit', '--strict', '--skipLibCheck', 'main.ts'];
    writeFileSync(join(project, 'main.ts'), 'export const port: number = "3000";\n');
    const start = { command: join(bin, 'tsc'), args, name: 'build', cwd: project };
    const failing = await server().ok('run_background', {
      ...start,
      wait_for: { exit: true, timeout_ms: 20_000 },
    });
    expect(failing).toMatchObject({ status: 'failed', exit_code: 2, cause: 'self', wait: { by: 'exit' } });
    expect(failing.wait?.tail).toMatch(/main\.ts\(1,14\): error TS2322/);
    writeFileSync(join(project, 'main.ts'), 'export const port: number = 3000;\n');
    await server().ok('run_background', start);
    expect(await server().exited('build')).toMatchObject({ status: 'completed', exit_code: 0 });
  });
});
