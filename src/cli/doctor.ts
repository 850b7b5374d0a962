import { examine, type Finding } from '../platform/doctor.ts';
import { EXIT, hasColours, printLine, styler, type CliIo, type Style } from './io.ts';

const MARKS: Readonly<Record<Finding['verdict'], { mark: string; style: Style }>> = {
  good: { mark: 'ok  ', style: 'green' },
  weaker: { mark: 'weak', style: 'yellow' },
  missing: { mark: 'MISS', style: 'red' },
  extra: { mark: '-   ', style: 'dim' },
};

/** Says what of the promise holds on this machine, and what would mend the rest. */
export async function doctor({ json }: { json?: boolean }, io: CliIo): Promise<number> {
  const findings = await examine(io.env);
  const holds = findings.every(({ verdict }) => verdict === 'good' || verdict === 'extra');
  const status = holds ? 0 : EXIT.failed;
  if (json === true) {
    await printLine(io.stdout, JSON.stringify({ holds, findings }, undefined, 2));
    return status;
  }
  const style = styler(hasColours(io.stdout, io.env));
  const width = Math.max(...findings.map(({ name }) => name.length));
  for (const { name, verdict, detail, fix } of findings) {
    const { mark, style: colour } = MARKS[verdict];
    await printLine(io.stdout, `${style(colour, mark)}  ${name.padEnd(width)}  ${detail}`);
    if (fix !== undefined) await printLine(io.stdout, `${' '.repeat(width + 8)}${style('bold', fix)}`);
  }
  await printLine(
    io.stdout,
    holds
      ? '\nEverything that is promised holds here: no process outlives its server.'
      : '\nNot everything that is promised holds here: see above.',
  );
  return status;
}
