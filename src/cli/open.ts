import type { Connection } from './connection.ts';
import { printLine, type CliIo } from './io.ts';

/**
 * Shows the dashboard. The token goes in the address's fragment, which browsers send to no server and the page takes out
 * of the address at once.
 */
export async function open(
  { print }: { print?: boolean },
  { address }: Connection,
  openUrl: (url: string, env: CliIo['env']) => Promise<boolean>,
  io: CliIo,
): Promise<number> {
  const page = `${address.url.replace(/\/$/, '')}/`;
  const { token } = address;
  const url = token === undefined ? page : `${page}#token=${encodeURIComponent(token)}`;
  if (print !== true && (await openUrl(url, io.env))) {
    await printLine(io.stderr, `Opened ${page}`);
    return 0;
  }
  if (print !== true)
    await printLine(io.stderr, 'There is no desktop here to open it on. The address lets in whoever has it:');
  await printLine(io.stdout, url);
  return 0;
}
