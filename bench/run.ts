/**
 * Measures the built server beside baselines in one run and prints a table. Exits with 1 where a target is missed.
 *
 *   tsx bench/run.ts [--short] [--only NAME]… [--save]
 *
 * `--short` takes fewer rounds, `--save` keeps the table in bench/RESULTS.md.
 */
import { writeFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { machine, table, type Figure, type Scenario } from './report.ts';
import { facts } from './rpc-client.ts';
import { buildEmptyServer, withProctor } from './servers.ts';
import { catalogSize } from './scenarios/catalog-size.ts';
import { coldStart } from './scenarios/cold-start.ts';
import { drain } from './scenarios/drain.ts';
import { flooded } from './scenarios/flooded.ts';
import { listenLag } from './scenarios/listen-lag.ts';
import { manyClients } from './scenarios/many-clients.ts';
import { processStart } from './scenarios/process-start.ts';
import { readyLag } from './scenarios/ready-lag.ts';
import { roundTrip } from './scenarios/round-trip.ts';
import { treeEnd } from './scenarios/tree-end.ts';

const SCENARIOS: readonly Scenario[] = [
  coldStart,
  roundTrip,
  catalogSize,
  readyLag,
  listenLag,
  drain,
  flooded,
  processStart,
  treeEnd,
  manyClients,
];

const { values } = parseArgs({
  options: {
    short: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    save: { type: 'boolean', default: false },
  },
});

function chosen(names: readonly string[]): readonly Scenario[] {
  const known = SCENARIOS.map(({ name }) => name);
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`no scenario ${unknown.join(', ')}; there are ${known.join(', ')}`);
  return names.length === 0 ? SCENARIOS : SCENARIOS.filter(({ name }) => names.includes(name));
}

async function run({ name, title, run: measure }: Scenario): Promise<Figure[]> {
  console.log(`\n${title} (${name})`);
  const figures = await measure({ short: values.short });
  console.log(table(figures));
  return figures;
}

/** Processes that wanted a core during the last minute: above the number of cores, times are those of a queue. */
function load(): string {
  return (loadavg()[0] ?? 0).toFixed(1);
}

/** Without its supervisor the server is another one: such figures must not pass for the usual ones. */
async function supervision(): Promise<string> {
  const warning = await withProctor(async (client) => {
    await client.call('run_background', { command: 'true' });
    return facts(await client.call('list_processes'))['warning'];
  });
  return warning === undefined ? 'native supervisor' : 'process groups only';
}

await buildEmptyServer();
const subject = `${machine()}, ${await supervision()}`;
const loadBefore = load();
console.log(`${subject}, load ${loadBefore}`);
const sections: string[] = [];
const missed: string[] = [];
for (const scenario of chosen(values.only)) {
  const figures = await run(scenario);
  sections.push(`## ${scenario.title}\n\n${table(figures)}`);
  missed.push(...figures.filter(({ holds }) => holds === false).map(({ what }) => what));
}
console.log(missed.length === 0 ? '\nAll targets hold.' : `\nMissed: ${missed.join('; ')}`);
if (missed.length > 0) process.exitCode = 1;

if (values.save) {
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
  const date = new Date().toISOString().slice(0, 10);
  const head = [
    '# Benchmark results',
    `${date}. ${subject}. Load ${loadBefore} before the run, ${load()} after. \`${command}\``,
    'Medians, unless said otherwise. Ours and what stands beside it take turns within one run; a ratio is the median ' +
      'of the ratios pair by pair. Times grow with whatever else the machine does, and p99 most of all; the ratios far less.',
  ];
  writeFileSync(new URL('./RESULTS.md', import.meta.url), `${[...head, ...sections].join('\n\n')}\n`);
}
