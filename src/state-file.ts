import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { TOKEN_PATTERN, TOKEN_RULE } from './http/token.ts';
import { isRunning } from './platform/identity.ts';
import { isRefused } from './platform/tcp-probe.ts';
import { exclusively } from './start-lock.ts';

const serverSchema = z.object({
  /** Base address, without a slash at its end. */
  url: z.url(),
  pid: z.int(),
  /** With the pid this names one process for good; absent where the system does not tell it. */
  startTicks: z.number().optional(),
  version: z.string(),
  startedAt: z.string(),
  /** Where its token is: `file`, beside this one; `given`, known to who started it; `none` needed. */
  token: z.enum(['file', 'given', 'none']),
});

/** How a running server is found. */
export type ServerState = z.output<typeof serverSchema>;

/** The server that was published last, and those before it, newest first, which are found again when it ends. */
const fileSchema = serverSchema.extend({ others: z.array(serverSchema).optional() });

const STATE_FILE = 'server.json';
const TOKEN_FILE = 'token';
/** A page is read within seconds. */
const OLD_PAGE_MS = 60_000;
const LOCK_FILE = '.starting';
/** 256 bits, as URL-safe text. */
const TOKEN_BYTES = 32;

/** The files by which the programs of one user find a server and are let in. Nobody else may read them. */
export class StateDirectory {
  readonly path: string;
  #published: ServerState | undefined;

  constructor(path: string) {
    this.path = path;
  }

  get tokenFile(): string {
    return join(this.path, TOKEN_FILE);
  }

  get #stateFile(): string {
    return join(this.path, STATE_FILE);
  }

  /** The token, made on first use. Rejects when others could have read it. */
  async token(): Promise<string> {
    const existing = await this.readToken();
    if (existing !== undefined) return existing;
    await this.#make();
    const fresh = randomBytes(TOKEN_BYTES).toString('base64url');
    const draft = await this.#writePrivate(TOKEN_FILE, `${fresh}\n`);
    try {
      // Of two servers that start at the same time one makes the token, and the other finds it.
      await link(draft, this.tokenFile);
      return fresh;
    } catch (error) {
      const winner = await this.readToken();
      if (winner === undefined) throw error;
      return winner;
    } finally {
      await rm(draft, { force: true });
    }
  }

  /** The token, if one was ever made. Rejects when others could have read it. */
  async readToken(): Promise<string | undefined> {
    const text = await readIfThere(this.tokenFile);
    if (text === undefined) return undefined;
    const { mode } = await stat(this.tokenFile);
    // Windows has no such bits: the user's profile directory is what protects the file there.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Error(
        `${this.tokenFile} can be read by others. Delete it, and a new token is made at the next start.`,
      );
    const token = text.trim();
    if (!TOKEN_PATTERN.test(token))
      throw new Error(
        `${this.tokenFile} holds no token: ${TOKEN_RULE}. Delete it, and a new token is made at the next start.`,
      );
    return token;
  }

  /**
   * Writes a page for this user's browser, and returns its path. Whoever asks for it removes it; those that were left
   * by somebody who could not go with the next page and the next server.
   */
  async writePage(html: string): Promise<string> {
    await this.#make();
    await this.#removeOldPages();
    const file = join(this.path, `open-${randomBytes(6).toString('hex')}.html`);
    await writeFile(file, html, { mode: 0o600, flag: 'wx' });
    return file;
  }

  async #removeOldPages(): Promise<void> {
    for (const name of await readdir(this.path)) {
      const file = join(this.path, name);
      if (!/^open-[\da-f]+\.html$/.test(name)) continue;
      const { mtimeMs } = await stat(file).catch(() => ({ mtimeMs: Date.now() }));
      if (Date.now() - mtimeMs > OLD_PAGE_MS) await rm(file, { force: true });
    }
  }

  /** The server that published its address here last, of those that still run. */
  async runningServer(): Promise<ServerState | undefined> {
    for (const state of await this.#servers()) if (await answers(state)) return state;
    return undefined;
  }

  /** Does something while no other program does it here: of several servers that start at once, one does. */
  async exclusively<T>(act: () => Promise<T>): Promise<T> {
    await this.#make();
    return exclusively(join(this.path, LOCK_FILE), act);
  }

  async publish(state: ServerState): Promise<void> {
    await this.#make();
    await this.#removeOldPages();
    await this.#write([state, ...(await this.#servers())]);
    this.#published = state;
  }

  /** Takes back what was published through this object, and nothing that another server has published. */
  async withdraw(): Promise<void> {
    const servers = await this.#servers();
    const others = servers.filter((server) => !isDeepStrictEqual(server, this.#published));
    if (others.length < servers.length) await this.#write(others);
  }

  /** Those that were published, newest first. */
  async #servers(): Promise<ServerState[]> {
    const text = await readIfThere(this.#stateFile);
    return text === undefined ? [] : parseState(text);
  }

  /** Only those that run are written. */
  async #write(servers: readonly ServerState[]): Promise<void> {
    const [first, ...others] = servers.filter(isRunning);
    if (first === undefined) {
      await rm(this.#stateFile, { force: true });
      return;
    }
    const text = JSON.stringify({ ...first, ...(others.length > 0 && { others }) }, null, 2);
    const draft = await this.#writePrivate(STATE_FILE, `${text}\n`);
    await rename(draft, this.#stateFile);
  }

  async #make(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
  }

  /** Writes beside the file that is meant, so that nobody reads half of it. Returns the path written. */
  async #writePrivate(name: string, text: string): Promise<string> {
    const draft = join(this.path, `.${name}.${randomBytes(6).toString('hex')}`);
    await writeFile(draft, text, { mode: 0o600, flag: 'wx' });
    return draft;
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseState(text: string): ServerState[] {
  try {
    const { others = [], ...first } = fileSchema.parse(JSON.parse(text));
    return [first, ...others];
  } catch {
    return [];
  }
}

/** Whether it still runs: nobody else has its port then. Where pids are all there is to go by, the port tells, too. */
async function answers(state: ServerState): Promise<boolean> {
  return isRunning(state) && !(await isRefused(state.url));
}
