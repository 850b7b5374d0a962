import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { problem } from './problem.ts';
import type { WebHandler } from './web.ts';

const compress = promisify(gzip);

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The page may load its own files and call its own server, and nothing else; nobody may frame it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** Files whose name carries a hash of their content never change. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/**
 * Serves the built page: its directory's `index.html` at `/`, and everything in `assets` beside it. The files hold no
 * secret and need no token, for the page is where a person enters it. All are read at the first request and kept: page
 * and script stay of one build, even when the package is updated under a running server.
 */
export function createDashboard(directory: URL): WebHandler {
  let loading: Promise<ReadonlyMap<string, StoredFile>> | undefined;
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return problem(405, `${pathname} takes GET.`, { allow: 'GET, HEAD' });
    loading ??= loadAll(directory);
    const file = (await loading).get(pathname);
    if (file !== undefined) return answer(request, pathname, file);
    const missing =
      pathname === '/' ? 'This server was built without the dashboard.' : `Nothing is at ${pathname}.`;
    return problem(404, missing);
  };
}

interface StoredFile {
  type: string;
  etag: string;
  plain: Uint8Array<ArrayBuffer>;
  gzipped: Uint8Array<ArrayBuffer>;
}

function answer({ headers, method }: Request, path: string, file: StoredFile): Response {
  const { type, etag, plain, gzipped } = file;
  const zipped = /\bgzip\b/.test(headers.get('accept-encoding') ?? '');
  const shared = {
    'cache-control': path === '/' ? 'no-cache' : FOR_EVER,
    'content-security-policy': POLICY,
    etag,
    vary: 'accept-encoding',
  };
  if (headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: shared });
  return new Response(method === 'HEAD' ? null : zipped ? gzipped : plain, {
    headers: { ...shared, 'content-type': type, ...(zipped && { 'content-encoding': 'gzip' }) },
  });
}

/** Every file by its path: no path from a request reaches the file system. Empty where the page was not built. */
async function loadAll(directory: URL): Promise<ReadonlyMap<string, StoredFile>> {
  const assets = await readdir(new URL('assets/', directory)).catch(() => undefined);
  if (assets === undefined) return new Map();
  const files = new Map([['/', await load(new URL('index.html', directory))]]);
  for (const name of assets) files.set(`/assets/${name}`, await load(new URL(`assets/${name}`, directory)));
  return files;
}

async function load(file: URL): Promise<StoredFile> {
  const content = await readFile(file);
  return {
    type: TYPES[extname(file.pathname)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 20)}"`,
    plain: Uint8Array.from(content),
    gzipped: Uint8Array.from(await compress(content)),
  };
}
