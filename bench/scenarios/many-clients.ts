import { isDeepStrictEqual } from 'node:util';
import { LoadClient } from '../load-client.ts';
import { memoryField, openFiles, until } from '../proc.ts';
import { atMost, ms, type Figure } from '../report.ts';
import { withSharedServer, type SharedServer } from '../servers.ts';
import { percentile } from '../stats.ts';

const CLIENTS = 50;
const PROCESSES_EACH = 4;
const CALLS_EACH = 200;
const MIB = 1024 * 1024;
/** What the garbage collector may let lie about. */
const LIMIT_GROWTH_MIB = 30;
/** The supervisor that stands by for the next start holds four; a connection may be just closing. */
const LIMIT_FILES = 4 + 2;

function expect(seen: unknown, wanted: unknown, what: string): void {
  if (!isDeepStrictEqual(seen, wanted))
    throw new Error(`${what}: ${JSON.stringify(seen)} instead of ${JSON.stringify(wanted)}`);
}

/** One agent's day: start, talk, wait, read, look around; each answer is checked. Returns the calls' durations. */
async function work(client: LoadClient, who: string): Promise<number[]> {
  const durations: number[] = [];
  const call = async (tool: string, args: Record<string, unknown>): Promise<Record<string, unknown>> => {
    const begun = performance.now();
    const answer = await client.call(tool, args);
    durations.push(performance.now() - begun);
    return typeof answer === 'string' ? { text: answer } : (answer as Record<string, unknown>);
  };
  const ids = Array.from({ length: PROCESSES_EACH }, (_, index) => `${who}-${index}`);
  for (const name of ids)
    expect((await call('run_background', { command: 'cat', name }))['status'], 'running', name);
  for (let turn = 0; durations.length < CALLS_EACH; turn++) {
    const id = ids[turn % ids.length];
    const word = `${who} says ${turn}.`;
    expect((await call('send_stdin', { id, text: word }))['accepted_bytes'], word.length + 1, word);
    const found = await call('wait_for_log', { id, pattern: word, stop_at_prompt: false });
    expect([found['outcome'], found['line']], ['matched', word], word);
    const { text } = await call('get_output', { id, tail: 1 });
    if (!String(text).includes(word)) throw new Error(`${word}: not in ${String(text)}`);
    const { processes } = (await call('list_processes', { ids: [id] })) as { processes: { id: string }[] };
    expect(
      processes.map((process) => process.id),
      [id],
      word,
    );
  }
  return durations;
}

/** All clients work at the same time, and one ends what they started. */
async function round(server: SharedServer): Promise<{ durations: number[]; seconds: number }> {
  const clients = Array.from({ length: CLIENTS }, (_, index) => new LoadClient(server, index % 2 === 0));
  await Promise.all(clients.map((client) => client.open()));
  const begun = performance.now();
  const durations = await Promise.all(clients.map((client, index) => work(client, `c${index}`)));
  const seconds = (performance.now() - begun) / 1000;
  const janitor = new LoadClient(server, true);
  const { processes } = (await janitor.call('kill_process', { all: true, grace_ms: 0 })) as {
    processes: { survivors: number[] }[];
  };
  expect(processes.length, CLIENTS * PROCESSES_EACH, 'processes ended');
  expect(
    processes.flatMap(({ survivors }) => survivors),
    [],
    'survivors',
  );
  await janitor.call('remove_process', { all_ended: true });
  await Promise.all([...clients, janitor].map((client) => client.close()));
  return { durations: durations.flat(), seconds };
}

/** Not shorter for a short run: these numbers are the scenario. */
export const manyClients = {
  name: 'many-clients',
  title: `${CLIENTS} clients of both protocol eras and ${CLIENTS * PROCESSES_EACH} processes over HTTP`,
  run: (): Promise<Figure[]> =>
    withSharedServer(['--max-processes', '250', '--keep-ended', '250'], async (server) => {
      const files = (): number => openFiles(server.pid);
      const settled = (): Promise<void> => until(() => files() <= idle + LIMIT_FILES, 'descriptors are back');
      const idle = files();
      // A first round brings the server to the size it works at.
      await round(server);
      await settled();
      const before = memoryField(server.pid, 'status', 'VmRSS');
      const { durations, seconds } = await round(server);
      await settled();
      const growth = (memoryField(server.pid, 'status', 'VmRSS') - before) / MIB;
      return [
        {
          what: `${durations.length} calls without an error`,
          ours: `${Math.round(durations.length / seconds)} a second`,
        },
        {
          what: 'a call among them',
          ours: `${ms(percentile(durations, 0.5))} (p99 ${ms(percentile(durations, 0.99))})`,
        },
        {
          what: 'memory grown by a round',
          ours: `${growth.toFixed(1)} MiB of ${(before / MIB).toFixed(0)}`,
          ...atMost(growth, LIMIT_GROWTH_MIB, 'MiB'),
        },
        {
          what: 'descriptors more than before',
          ours: String(files() - idle),
          ...atMost(files() - idle, LIMIT_FILES, ''),
        },
      ];
    }),
};
