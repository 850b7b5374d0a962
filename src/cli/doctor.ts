import { examine, type Finding } from '../platform/doctor.ts';
import { EXIT, hasColours, printJson, printLine, styler, write, type CliIo, type Style } from './io.ts';
import { visible } from './visible.ts';

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
    await printJson(io.stdout, { holds, findings });
    return status;
  }
  const style = styler(hasColours(io.stdout, io.env));
  const width = Math.max(...findings.map(({ name }) => name.length));
  for (const { name, verdict, detail, fix } of findings) {
    const { mark, style: colour } = MARKS[verdict];
    await write(io.stdout, `${style(colour, mark)}  ${name.padEnd(width)}  ${visible(detail)}\n`);
    if (fix !== undefined) await write(io.stdout, `${' '.repeat(width + 8)}${style('bold', visible(fix))}\n`);
  }
  await printLine(
    io.stdout,
    holds
      ? '\nEverything that is promised holds here: no process outlives its server.'
      : '\nNot everything that is promised holds here: see above.',
  );
  return status;
}
