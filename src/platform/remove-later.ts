import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';

const SCRIPT =
  'const [, path, ms] = process.argv; setTimeout(() => fs.rmSync(path, { force: true }), Number(ms));';

/** Removes a file after some time, also when this process has ended by then; at once where nothing else can do it. */
export function removeLater(path: string, ms: number): void {
  const child = spawn(process.execPath, ['-e', SCRIPT, path, String(ms)], {
    detached: true,
    stdio: 'ignore',
    windowsHide: true,
  });
  child.once('error', () => {
    rmSync(path, { force: true });
  });
  child.unref();
}
