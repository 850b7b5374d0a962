/**
 * What output costs, without processes: `npx tsx bench/micro/output.ts`. One line a measurement; figures vary by a
 * third from run to run on a shared machine.
 */
import { LineAssembler } from '../../src/core/output/line-assembler.ts';
import { OutputBuffer } from '../../src/core/output/output-buffer.ts';
import { compilePattern } from '../../src/core/output/pattern.ts';
import { lastLine, renderPage, tailText } from '../../src/core/output/text-view.ts';

const CHUNK_BYTES = 65_536;
const RING_BYTES = 4 * 1024 * 1024;

function chunkOf(line: string): Buffer {
  return Buffer.from(line.repeat(Math.ceil(CHUNK_BYTES / Buffer.byteLength(line)))).subarray(0, CHUNK_BYTES);
}

const CHUNKS = {
  'two-byte lines': chunkOf('x\n'),
  '100-byte lines': chunkOf(`${'x'.repeat(99)}\n`),
  'coloured lines': chunkOf(`\x1b[32minfo\x1b[0m ${'x'.repeat(80)}\r\n`),
  'UTF-8 lines': chunkOf(`日本語 ${'é'.repeat(40)}\n`),
  'no newline': chunkOf('x'),
};

/** Median milliseconds of a call. */
function time(rounds: number, call: () => void): number {
  const times = Array.from({ length: rounds }, () => {
    const begun = performance.now();
    call();
    return performance.now() - begun;
  });
  return times.sort((a, b) => a - b)[rounds >> 1] ?? 0;
}

function report(what: string, figure: number, unit: string): void {
  process.stdout.write(`${what.padEnd(44)} ${figure.toFixed(figure < 10 ? 2 : 0).padStart(8)} ${unit}\n`);
}

function filled(chunk: Buffer): OutputBuffer {
  const buffer = new OutputBuffer(RING_BYTES);
  buffer.beginRun(1);
  for (let bytes = 0; bytes < RING_BYTES * 1.5; bytes += chunk.length) buffer.append('stdout', chunk);
  return buffer;
}

for (const [name, chunk] of Object.entries(CHUNKS)) {
  const buffer = filled(chunk);
  const ms = time(9, () => {
    for (let index = 0; index < 1000; index++) buffer.append('stdout', chunk);
  });
  report(`append, ${name}`, (1000 * CHUNK_BYTES) / ms / 1000, 'MB/s');
}
for (const [name, chunk] of Object.entries(CHUNKS)) {
  const pattern = await compilePattern('server (ready|listening) on (\\d+)');
  const assembler = new LineAssembler({ stream: 'both' }, (line) => {
    pattern.test(line.text);
  });
  const segment = { stream: 'stdout', from: 0, at: 0, bytes: chunk } as const;
  const ms = time(9, () => {
    for (let index = 0; index < 20; index++) assembler.push(segment);
  });
  report(`watch with a pattern, ${name}`, (20 * CHUNK_BYTES) / ms / 1000, 'MB/s');
}
for (const [name, chunk] of Object.entries(CHUNKS)) {
  const buffer = filled(chunk);
  const source = { buffer, runFrom: 0 };
  report(
    `default page of a full ring, ${name}`,
    time(30, () => renderPage(source, {})),
    'ms',
  );
  report(
    `last line of a full ring, ${name}`,
    time(30, () => lastLine(buffer, 0)),
    'ms',
  );
  report(
    `tail text of a full ring, ${name}`,
    time(30, () => tailText(buffer, 0)),
    'ms',
  );
  const absent = await compilePattern('absent');
  report(
    `search of a full ring, ${name}`,
    time(9, () => renderPage(source, {}, absent)),
    'ms',
  );
  report(
    `clean scan of a full ring, ${name}`,
    time(9, () => scan(buffer)),
    'ms',
  );
}

function scan(buffer: OutputBuffer): number {
  let characters = 0;
  const assembler = new LineAssembler({ stream: 'both' }, (line) => {
    characters += line.text.length;
  });
  for (const segment of buffer.segments(buffer.start, buffer.end)) assembler.push(segment);
  return characters;
}
