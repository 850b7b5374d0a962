// Takes the pictures in docs/screenshots: a server of its own with processes as agents start them, seen in Chromium.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { chromium, type Page } from 'playwright-core';
import * as z from 'zod';

const ROOT = new URL('..', import.meta.url).pathname;
const TARGET = join(ROOT, 'docs', 'screenshots');

const CLAUDE = 'claude-code 2.1.4';
const CODEX = 'codex 0.61.0';

const SHOP = `
const c = (code, text) => '\\x1b[' + code + 'm' + text + '\\x1b[0m';
const server = require('node:http').createServer((_, answer) => answer.end('ok'));
server.listen(0, '127.0.0.1', () => {
  console.log('\\n  ' + c('1;32', 'VITE v8.3.8') + '  ready in ' + c('1', '412') + ' ms\\n');
  console.log('  ' + c('32', '➜') + '  ' + c('1', 'Local') + ':   ' + c('36', 'http://localhost:' + server.address().port + '/'));
  console.log('  ' + c('2', '➜  press h + enter to show help') + '\\n');
});
const paths = ['/', '/assets/index-4f2c.js', '/api/session', '/api/orders?page=2', '/favicon.ico'];
let n = 0;
setInterval(() => {
  n++;
  const status = n % 13 === 0 ? 500 : n % 5 === 4 ? 404 : 200;
  const shown = c(status === 200 ? 32 : status === 404 ? 33 : 31, status);
  const time = new Date().toISOString().slice(11, 23);
  console.log([c(2, time), c(35, 'GET'), paths[n % 5].padEnd(24), shown, c(2, ((n * 37) % 83) + ' ms')].join(' '));
  if (status === 500)
    console.error(c('31', 'TypeError') + ": Cannot read properties of undefined (reading 'total')\\n    at render (src/orders.ts:41:19)\\n    at async handle (src/server.ts:112:5)");
}, 700);`;

/** What is started, by whom, and how many seconds after the one before. */
const SCENE: readonly { after: number; client: string; request: object }[] = [
  {
    after: 0,
    client: CLAUDE,
    request: {
      name: 'typecheck',
      command: `sleep 1; echo 'Found 0 errors. Watching for file changes.'; sleep 600`,
      wait_for: { log: 'Found 0' },
    },
  },
  {
    after: 3,
    client: CLAUDE,
    request: { name: 'shop', code: SHOP, language: 'javascript', wait_for: { port: true } },
  },
  {
    after: 6,
    client: CODEX,
    request: {
      name: 'worker',
      command: 'while :; do echo job done; for i in $(seq 30000); do :; done; sleep 0.4; done',
      wait_for: { log: 'done' },
    },
  },
  { after: 4, client: CLAUDE, request: { name: 'unit-tests', command: 'sleep 6; echo not ok >&2; exit 1' } },
  { after: 5, client: CODEX, request: { name: 'build', command: 'sleep 4; echo built in 3.9 s' } },
  { after: 6, client: CLAUDE, request: { name: 'unit-tests', command: 'sleep 7; echo 214 passed' } },
  { after: 2, client: CODEX, request: { name: 'load', command: 'sleep 600', timeout_ms: 5000 } },
  {
    after: 7,
    client: CODEX,
    request: { name: 'migrate', command: 'read -p "Apply 3 migrations to shop_dev? [y/N] "' },
  },
  {
    after: 1,
    client: CODEX,
    request: { name: 'python', command: 'python3 -q', pty: true, wait_for: { log: '>>>' } },
  },
  {
    after: 5,
    client: CODEX,
    request: { name: 'deploy-preview', command: 'sleep 1; echo uploaded', wait_for: { log: 'uploaded' } },
  },
];

async function playScene(url: string, token: string): Promise<void> {
  for (const { after, client, request } of SCENE) {
    await pause(after * 1000);
    const headers = {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'proctor-client': client,
    };
    const response = await fetch(`${url}/v1/processes`, {
      method: 'POST',
      headers,
      body: JSON.stringify(request),
    });
    if (!response.ok) throw new Error(await response.text());
  }
}

async function takePictures(page: Page): Promise<void> {
  const take = async (name: string): Promise<void> => {
    await page.screenshot({ path: join(TARGET, `${name}.png`) });
  };
  await page.locator('[data-id="shop"]').click();
  await page.locator('.row.of-stderr').first().waitFor();
  await pause(2500);
  await take('light');

  await page.emulateMedia({ colorScheme: 'dark' });
  await page.locator('[data-id="python"]').click();
  await page.locator('.xterm-rows', { hasText: '>>>' }).waitFor();
  await page.keyboard.type(
    `for code in range(31, 37): print(f"\\x1b[{code}m{'#' * code}\\x1b[0m {code}")\n\n`,
    { delay: 5 },
  );
  await page.keyboard.type('sum(price * n for price, n in [(3.5, 4), (12, 2)])\n', { delay: 5 });
  await pause(1500);
  await take('dark');

  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize({ width: 390, height: 780 });
  await page.locator('.back').click();
  await pause(500);
  await take('phone-list');
  await page.locator('[data-id="shop"]').click();
  await pause(1000);
  await take('phone-log');
}

const directory = mkdtempSync(join(tmpdir(), 'proctor-pictures-'));
mkdirSync(TARGET, { recursive: true });
const flags = ['serve', '--port', '0', '--state-dir', directory];
const server = spawn(process.execPath, [join(ROOT, 'dist', 'cli.js'), ...flags], {
  stdio: ['ignore', 'pipe', 'inherit'],
  cwd: tmpdir(),
});
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu'],
});
try {
  await once(server.stdout, 'data');
  const { url } = z
    .object({ url: z.string() })
    .parse(JSON.parse(readFileSync(join(directory, 'server.json'), 'utf8')));
  const token = readFileSync(join(directory, 'token'), 'utf8').trim();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${url}/#token=${token}`);
  await playScene(url, token);
  await takePictures(page);
} finally {
  await browser.close();
  server.kill('SIGTERM');
  await once(server, 'exit');
  rmSync(directory, { recursive: true });
}
