import { rm } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { StateDirectory } from '../state-file.ts';
import type { Connection } from './connection.ts';
import { printLine, type CliIo } from './io.ts';

/** A browser that has to be started first reads its page within this time. */
const READ_MS = 30_000;

/** What a desktop does for us. */
export interface Desktop {
  openUrl: (url: string, env: CliIo['env']) => Promise<boolean>;
  removeLater: (path: string, ms: number) => void;
}

/**
 * Shows the dashboard. The token goes in the address's fragment, which browsers send to no server and the page takes out
 * of the address at once. The opener is given a page that leads there, in a file that only this user can read: every
 * user of the machine can see its arguments.
 */
export async function open(
  { print }: { print?: boolean },
  { address }: Connection,
  directory: StateDirectory,
  { openUrl, removeLater }: Desktop,
  io: CliIo,
): Promise<number> {
  const page = `${address.url.replace(/\/$/, '')}/`;
  const { token } = address;
  const url = token === undefined ? page : `${page}#token=${encodeURIComponent(token)}`;
  if (print !== true) {
    const file = token === undefined ? undefined : await directory.writePage(pageTo(url));
    const opened = await openUrl(file === undefined ? url : pathToFileURL(file).href, io.env);
    if (opened) {
      await printLine(io.stderr, `Opened ${page}`);
      if (file !== undefined) {
        removeLater(file, READ_MS);
        // One from a sandboxed package sees no hidden directories.
        await printLine(io.stderr, 'If the browser may not read the file it shows: "proctor open --print".');
      }
      return 0;
    }
    if (file !== undefined) await rm(file);
    await printLine(io.stderr, 'There is no desktop here to open it on. The address lets in whoever has it:');
  }
  await printLine(io.stdout, url);
  return 0;
}

/** As a URL has it, an address holds no quotes and no angle brackets. */
function pageTo(url: string): string {
  const { href } = new URL(url);
  return `<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url=${href}">
<title>Proctor</title>
<a href="${href}">The dashboard</a>
`;
}
