import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isAlive } from '../helpers/alive.ts';
import { SharedServer } from '../helpers/http-server.ts';
import { cli } from '../helpers/start-server.ts';
import { until } from '../helpers/until.ts';

const hasTmux = (() => {
  try {
    execFileSync('tmux', ['-V']);
    return true;
  } catch {
    return false;
  }
})();

/** A terminal of its own, which a person sits at. */
class Tmux {
  readonly #socket = `proctor-${randomUUID()}`;

  #run(...args: string[]): string {
    return execFileSync('tmux', ['-L', this.#socket, ...args], { encoding: 'utf8' });
  }

  open(env: Record<string, string>): void {
    const variables = Object.entries(env).flatMap(([name, value]) => ['-e', `${name}=${value}`]);
    const size = ['-x', '100', '-y', '30'];
    this.#run(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      ...size,
      ...variables,
      'env PS1="> " bash --norc --noprofile',
    );
  }

  type(line: string): void {
    this.#run('send-keys', '-l', line);
    this.#run('send-keys', 'Enter');
  }

  key(name: string): void {
    this.#run('send-keys', name);
  }

  /** What stands on the screen; with `colours`, with the sequences that style it. */
  screen(colours = false): string {
    return this.#run('capture-pane', '-p', ...(colours ? ['-e'] : []));
  }

  get pid(): number {
    return Number(this.#run('display-message', '-p', '#{pid}'));
  }

  async close(): Promise<void> {
    const { pid } = this;
    this.#run('kill-server');
    await until('the terminal is gone', () => !isAlive(pid));
  }
}

describe.skipIf(!hasTmux)('the command line in a terminal', () => {
  let server: SharedServer;
  let terminal: Tmux;
  beforeAll(async () => {
    server = await SharedServer.start();
  });
  afterAll(async () => {
    await server.close();
  });
  afterEach(async () => {
    await terminal.close();
  });

  const open = (env: Record<string, string> = {}): void => {
    terminal = new Tmux();
    terminal.open({ PROCTOR_STATE_DIR: server.stateDirectory, ...env });
    terminal.type(`proctor() { "${process.execPath}" "${cli}" "$@"; }; clear`);
  };
  const shows = (what: string | RegExp, colours = false) =>
    until(
      `${String(what)} on the screen`,
      () => {
        const screen = terminal.screen(colours);
        return typeof what === 'string' ? screen.includes(what) : what.test(screen);
      },
      15_000,
    );

  it('is in colour, and the table as wide as the terminal', async () => {
    open();
    terminal.type(`proctor run -n web -- 'sleep 60; : ${'x'.repeat(200)}'`);
    await shows(/web started \(pid \d+\)/);
    terminal.type('clear; proctor ps; echo done $?');
    await shows('done 0');
    expect(terminal.screen(true)).toMatch(/\x1b\[1mweb\x1b\[.*\x1b\[32mrunning/);
    const row = terminal
      .screen()
      .split('\n')
      .find((line) => line.startsWith('web '));
    expect(row).toHaveLength(100);
    expect(row).toMatch(/…$/);
    terminal.type('clear; NO_COLOR=1 proctor ps; proctor kill web; echo done $?');
    await shows('done 0');
    expect(terminal.screen(true)).not.toContain('\x1b[32m');
    expect(terminal.screen()).toContain('web: killed (SIGTERM, kill_process)');
  });

  it('watches, drawing in place, until Ctrl-C', async () => {
    open();
    terminal.type('clear; proctor ps --watch --live');
    await shows(/^ID +STATUS/m);
    const background = `proctor() { "${process.execPath}" "${cli}" "$@"; }`;
    execFileSync('bash', ['-c', `${background}; proctor run -n seen -- sleep 60`], {
      env: { ...process.env, PROCTOR_STATE_DIR: server.stateDirectory },
      stdio: 'ignore',
    });
    await shows(/^seen +running/m);
    expect(terminal.screen().match(/^ID /gm)).toHaveLength(1);
    terminal.key('C-c');
    terminal.type('echo status $?; proctor kill seen');
    await shows('status 130');
    await shows('seen: killed');
  });

  it('follows a log in its colours, and Ctrl-C leaves the process alone', async () => {
    open();
    terminal.type(`proctor run -n talk -- 'while :; do printf "\\033[35mtick\\033[0m\\n"; sleep 0.2; done'`);
    await shows('talk started');
    terminal.type('clear; proctor logs -f talk');
    await shows(/(tick\n){3}/);
    expect(terminal.screen(true)).toContain('\x1b[35mtick');
    terminal.key('C-c');
    terminal.type('clear; proctor ps; proctor kill talk');
    await shows(/^talk +running/m);
    await shows('talk: killed');
  });

  it('says in words what is wrong', async () => {
    open({ PROCTOR_STATE_DIR: '/nonexistent' });
    terminal.type('proctor ps; echo status $?');
    await shows('No server is running. Start one with "proctor serve"');
    await shows('status 69');
  });
});
