import { spawn } from 'node:child_process';

/**
 * Asks the desktop to show an address. Resolves false where there is no desktop to ask, or its opener cannot be run.
 */
export function openUrl(url: string, env: Readonly<Record<string, string | undefined>>): Promise<boolean> {
  const opener = openerFor(env);
  if (opener === undefined) return Promise.resolve(false);
  const [file, ...args] = opener;
  return new Promise((resolve) => {
    const child = spawn(file, [...args, url], { detached: true, stdio: 'ignore', windowsHide: true });
    child.once('error', () => {
      resolve(false);
    });
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}

function openerFor(
  env: Readonly<Record<string, string | undefined>>,
): readonly [string, ...string[]] | undefined {
  const { platform } = process;
  if (platform === 'darwin') return ['open'];
  // Unlike cmd's start it takes the address as it is, "&" included.
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return env.DISPLAY === undefined && env.WAYLAND_DISPLAY === undefined ? undefined : ['xdg-open'];
}
