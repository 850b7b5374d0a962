import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { until } from '../helpers/until.ts';
import { callApi, Dashboard, hasBrowser, launchBrowser, type OpenOptions } from './browser.ts';

describe.skipIf(!hasBrowser)('the dashboard in a browser', () => {
  let server: SharedServer;
  let browser: Browser;
  const stateDirectory = mkdtempSync(join(tmpdir(), 'proctor-web-'));
  const open: Dashboard[] = [];

  const visit = async (options?: OpenOptions): Promise<Dashboard> => {
    const dashboard = await Dashboard.open(browser, server, options);
    open.push(dashboard);
    return dashboard;
  };
  const run = async (body: object): Promise<number> =>
    Number((await callApi(server, 'POST', '/v1/processes', body)).pid);

  beforeAll(async () => {
    [server, browser] = await Promise.all([SharedServer.start({ stateDirectory }), launchBrowser()]);
  });
  afterEach(async () => {
    for (const dashboard of open.splice(0)) await dashboard.close();
    await callApi(server, 'POST', '/v1/kill', { all: true, grace_ms: 0 });
    await callApi(server, 'POST', '/v1/remove', { all_ended: true });
    await until('nothing is left', () => server.leftovers().length === 0);
  });
  afterAll(async () => {
    await browser.close();
    await server.close();
    rmSync(stateDirectory, { recursive: true });
  });

  it('asks for a token, refuses a wrong one, and forgets the right one from the address', async () => {
    await run({ name: 'secret-job', command: 'sleep 60' });
    const { page } = await visit({ token: '' });
    const field = page.getByLabel('Token');
    await field.waitFor();
    expect(await page.content()).not.toContain('secret-job');
    await field.fill('wrong');
    await page.getByRole('button', { name: 'Open' }).click();
    await page.getByText('does not accept this token').waitFor();
    await field.fill(server.token);
    await page.getByRole('button', { name: 'Open' }).click();
    await page.locator('[data-id="secret-job"]').waitFor();

    const { page: other } = await visit();
    await other.locator('[data-id="secret-job"]').waitFor();
    expect(other.url()).toBe(`${server.url}/`);
    await other.reload();
    await other.locator('[data-id="secret-job"]').waitFor();
  });

  it('shows what runs and what ended, who started it, its ports and its cause', async () => {
    const { page } = await visit();
    await page.getByText('Nothing runs yet').waitFor();
    await run({
      ...{ name: 'web', language: 'javascript', wait_for: { port: true } },
      code: 'require("net").createServer().listen(0, "127.0.0.1")',
    });
    const { processes } = await callApi(server, 'GET', '/v1/processes');
    const [{ ports }] = processes as [{ ports: number[] }];
    const entry = page.locator('[data-id="web"]');
    await entry.getByRole('link', { name: `:${ports[0]}` }).waitFor();
    await page.getByRole('heading', { name: 'claude-code 2.1' }).waitFor();
    await run({ name: 'tests', command: 'sleep 0.2; exit 3' });
    await page.locator('[data-id="tests"]', { hasText: 'exit 3' }).click();
    await page.locator('.status-text', { hasText: 'failed with code 3' }).waitFor();
    await page.getByRole('button', { name: 'ended' }).click();
    await expect.poll(() => entry.count()).toBe(0);
    expect(await page.locator('.lane').allInnerTexts()).toEqual(expect.arrayContaining(['web', 'tests']));
    expect(await page.locator('.ready').count()).toBe(1);
  });

  it('follows a flooding process, and draws only what is in sight', async () => {
    await run({
      name: 'flood',
      command: 'i=0; while :; do seq $i $((i+499)); i=$((i+500)); sleep 0.02; done',
    });
    const dashboard = await visit();
    const { page } = dashboard;
    await dashboard.select('flood');
    const last = async (): Promise<number> => Number((await dashboard.rows()).at(-1));
    const first = await until('ten thousand lines', async () => {
      const seen = await last();
      return seen > 10_000 && seen;
    });
    await until('more of them', async () => (await last()) > first + 5000);
    expect((await dashboard.rows()).length).toBeLessThan(100);

    await page.locator('.log-scroll').hover();
    await page.mouse.wheel(0, -2000);
    await page.getByRole('button', { name: '↓ follow' }).waitFor();
    const held = (await dashboard.rows())[20];
    await page.waitForFunction(
      (line) => document.querySelector('.extent')?.textContent !== line,
      await page.locator('.extent').innerText(),
    );
    expect(await dashboard.rows()).toContain(held);
    await page.keyboard.press('G');
    await until('the end again', async () => (await last()) > first + 10_000);
  });

  it('holds its place when the oldest lines go', async () => {
    await run({ name: 'long', command: 'seq 1 49900; read go; seq 49901 56000; sleep 60' });
    const dashboard = await visit();
    const { page } = dashboard;
    await dashboard.select('long');
    await page.getByText('49900', { exact: true }).waitFor();
    await page.locator('.log-scroll').hover();
    await page.mouse.wheel(0, -1800);
    await page.getByRole('button', { name: '↓ follow' }).waitFor();
    const held = (await dashboard.rows())[20];
    await callApi(server, 'POST', '/v1/processes/long/stdin', { text: '' });
    await page.locator('.dropped').waitFor();
    expect(await dashboard.rows()).toContain(held);
  });

  it('keeps colours, streams and times apart, and hides what is not wanted', async () => {
    await run({
      name: 'mixed',
      command: "printf 'one \\033[31mred\\033[0m\\n'; sleep 0.1; echo problem >&2; sleep 60",
    });
    const dashboard = await visit();
    const { page } = dashboard;
    await dashboard.select('mixed');
    await page.locator('.row.of-stderr', { hasText: 'problem' }).waitFor();
    expect(await page.locator('.fg-1').innerText()).toBe('red');
    await page.keyboard.press('e');
    await expect.poll(() => page.locator('.row.of-stderr').count()).toBe(0);
    await page.keyboard.press('m');
    await expect.poll(async () => (await dashboard.rows()).join()).toMatch(/\d\d:\d\d:\d\d\.\d{3}\s*one red/);
  });

  it('searches', async () => {
    await run({ name: 'log', command: 'seq 1 20000 | sed "s/^/line /"; sleep 60' });
    const dashboard = await visit();
    const { page } = dashboard;
    await dashboard.select('log');
    await page.getByText('line 20000', { exact: true }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('LINE 1234');
    await page.getByText('11 lines', { exact: true }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.is-looked-at .hit').first().waitFor();
    expect(await page.locator('.is-looked-at').innerText()).toBe('line 1234');
    await page.getByRole('button', { name: 'only these' }).click();
    await expect.poll(() => dashboard.rows()).toHaveLength(11);
    await page.locator('#search').fill('^line 77$');
    await page.getByRole('button', { name: '.*' }).click();
    await expect.poll(() => dashboard.rows()).toEqual(['line 77']);
  });

  it('stops a process by keyboard alone, and tells how it ended', async () => {
    const pid = await run({ name: 'server', command: 'exec sleep 60' });
    const { page } = await visit();
    await page.locator('[data-id="server"]').waitFor();
    await page.keyboard.press('j');
    await page.locator('.heading h2', { hasText: 'server' }).waitFor();
    await page.keyboard.press('s');
    await page.getByRole('dialog').waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.status-text', { hasText: 'killed by SIGTERM, on request' }).waitFor();
    await until('it is gone', () => !isAlive(pid));
    await page.keyboard.press('r');
    await page.locator('.status-text', { hasText: 'running' }).waitFor();
    expect(await page.locator('.row.of-mark').allInnerTexts()).toEqual(
      expect.arrayContaining([
        expect.stringContaining('run 1'),
        expect.stringContaining('killed by SIGTERM'),
      ]),
    );
  });

  it('starts a process, answers its question, and removes it', async () => {
    const { page } = await visit();
    await page.getByText('Nothing runs yet').waitFor();
    await page.keyboard.press('c');
    await page.getByLabel('Command').fill('printf "name? "; read name; echo "hello $name"');
    await page.getByLabel('Name').fill('greeter');
    await page.keyboard.press('Enter');
    await page.locator('.status-text', { hasText: 'waits for input' }).waitFor();
    await page.keyboard.press('i');
    await page.keyboard.type('Ada');
    await page.keyboard.press('Enter');
    await page.getByText('hello Ada').waitFor();
    await page.locator('.status-text', { hasText: 'completed' }).waitFor();
    await page.getByRole('button', { name: 'Remove…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByText('Nothing runs yet').waitFor();
  });

  it('says why something cannot be done', async () => {
    const { page } = await visit();
    await page.getByRole('button', { name: 'Start…' }).click();
    await page.getByLabel('Command').fill('true');
    await page.getByLabel('Directory').fill('/nowhere');
    await page.keyboard.press('Enter');
    await page.locator('.notice', { hasText: '/nowhere' }).waitFor();
  });

  it('is the terminal of a process: typed into, coloured, resized with the pane', async () => {
    await run({ name: 'shell', command: 'PS1="\\$ " bash --norc', pty: true });
    const dashboard = await visit();
    const { page } = dashboard;
    await dashboard.select('shell');
    const screen = page.locator('.xterm-rows');
    await screen.waitFor();
    await expect.poll(() => screen.innerText()).toContain('$');
    await page.keyboard.type('printf "\\033[38;2;255;0;0m%s\\033[0m\\n" r"e"d; stty size\n');
    await expect.poll(() => screen.innerText()).toMatch(/\d+ \d+/);
    expect(await screen.locator('span[style*="color"]', { hasText: /^red$/ }).count()).toBe(1);
    const size = async (): Promise<string> => {
      await page.keyboard.type('clear; stty size\n');
      return until('its size', async () => {
        const [, found] = /^(\d+ \d+)$/m.exec((await screen.innerText()).replaceAll('\u00a0', ' ')) ?? [];
        return found;
      });
    };
    const before = await size();
    await page.setViewportSize({ width: 900, height: 600 });
    await expect.poll(size, { timeout: 8000 }).not.toBe(before);
    await page.keyboard.press('Shift+Escape');
    await page.keyboard.press('l');
    await page.locator('.log-body').waitFor();
    await page.keyboard.press('t');
    await screen.waitFor();
    await page.keyboard.type('exit\n');
    await page.getByText('The process has ended').waitFor();
  });

  it('says that the server is away, and goes on when it is back', async () => {
    const port = String(server.port);
    await run({ name: 'before', command: 'echo old output; sleep 60' });
    const dashboard = await visit();
    const { page } = dashboard;
    await dashboard.select('before');
    await page.getByText('old output', { exact: true }).waitFor();
    await server.close();
    await page.getByText('The server does not answer').waitFor();
    server = await SharedServer.start({ flags: ['--port', port], stateDirectory });
    await run({ name: 'before', command: 'echo new output; sleep 60' });
    await page.getByText('new output', { exact: true }).waitFor();
    await page.getByText('connected').waitFor();
    expect((await dashboard.rows()).join()).not.toContain('old output');
  });

  it('fits a phone, and is dark where the system or the person wants it', async () => {
    await run({
      name: 'web',
      command: 'seq 1 300 | sed "s/$/ a line of some length that does not fit on it/"; sleep 60',
    });
    const dashboard = await visit({ width: 390, height: 844, scheme: 'dark' });
    const { page } = dashboard;
    const overflow = (): Promise<number> =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    const background = (): Promise<string> =>
      page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
    await page.locator('[data-id="web"]').waitFor();
    expect(await overflow()).toBe(0);
    const dark = await background();
    await page.getByRole('button', { name: 'Dark or light' }).click();
    expect(await background()).not.toBe(dark);
    await dashboard.select('web');
    await page.locator('.row', { hasText: '300' }).waitFor();
    expect(await overflow()).toBe(0);
    await page.getByRole('button', { name: 'Back to the list' }).click();
    await page.locator('[data-id="web"]').waitFor();
  });
});
