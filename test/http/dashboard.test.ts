import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDashboard } from '../../src/http/dashboard.ts';
import { SharedServer } from '../helpers/http-server.ts';

/** What the browser loads before anything runs, and what a terminal adds, in bytes as they are sent. */
const SCRIPT_BUDGET = 300_000;

describe('the files of the dashboard', () => {
  let server: SharedServer;
  let page: string;
  const get = (path: string, init?: RequestInit): Promise<Response> => fetch(new URL(path, server.url), init);

  beforeAll(async () => {
    server = await SharedServer.start();
    page = await (await get('/')).text();
  });
  afterAll(() => server.close());

  it('need no token, and hold nothing that is not built in', async () => {
    const response = await get('/');
    expect(response.status).toBe(200);
    expect(page).not.toContain(server.token);
    expect((await get('/v1/processes')).status).toBe(401);
  });

  it('come under a policy that lets nothing else in, with no script or style in the page itself', async () => {
    const { headers } = await get('/');
    const policy = headers.get('content-security-policy') ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|data:|\*|http/);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(page).not.toMatch(/<style|style=|<script(?![^>]* src=)| on\w+=|https?:/);
  });

  it('are kept for ever where their name tells their content, and asked for again where it does not', async () => {
    const first = await get('/');
    expect(first.headers.get('cache-control')).toBe('no-cache');
    const again = await get('/', { headers: { 'if-none-match': first.headers.get('etag') ?? '' } });
    expect(again.status).toBe(304);
    const [, script = ''] = /src="([^"]+)"/.exec(page) ?? [];
    expect(script).toMatch(/^\/assets\/main-[A-Z0-9]{8}\.js$/);
    expect((await get(script)).headers.get('cache-control')).toContain('immutable');
  });

  it('are small: all of the script, the terminal included', async () => {
    const [, main = ''] = /src="([^"]+)"/.exec(page) ?? [];
    const { size, names } = await scriptsFrom(main);
    expect(names.length).toBeGreaterThan(1);
    expect(size).toBeLessThan(SCRIPT_BUDGET);
  });

  /** Loads a script and whatever it names; sizes are those on the wire. */
  async function scriptsFrom(main: string): Promise<{ size: number; names: string[] }> {
    const names = [main];
    let size = 0;
    for (const name of names) {
      const response = await get(name, { headers: { 'accept-encoding': 'gzip' } });
      expect(response.status).toBe(200);
      size += Number(response.headers.get('content-length'));
      for (const [, found = ''] of (await response.text()).matchAll(/"\.\/([\w-]+\.js)"/g))
        if (!names.includes(`/assets/${found}`)) names.push(`/assets/${found}`);
    }
    return { size, names };
  }

  it.each([
    '/assets/',
    '/assets/none.js',
    '/assets/..%2findex.html',
    '/assets/%2e%2e/%2e%2e/cli.js',
    '/index.html',
  ])('are all there is: %s is not', async (path) => {
    const { status } = await get(path, { headers: { authorization: `Bearer ${server.token}` } });
    expect(status).toBe(404);
  });

  it('are only read', async () => {
    const response = await get('/', { method: 'POST', body: '{}' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('GET, HEAD');
    const head = await get('/', { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
  });

  it('may be missing from a build, which is then said', async () => {
    const dashboard = createDashboard(new URL('file:///nowhere/'));
    const response = await dashboard(new Request('http://localhost/'), { closed: Promise.resolve() });
    expect(response.status).toBe(404);
    expect(await response.text()).toContain('without the dashboard');
  });
});
