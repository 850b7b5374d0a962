import { cpus, totalmem } from 'node:os';

/** One line of the table. */
export interface Figure {
  what: string;
  ours: string;
  /** What it is measured beside, in the same run. */
  baseline?: string;
  ratio?: number;
  /** Absent for figures that only explain others. */
  target?: string;
  holds?: boolean;
}

/** What every scenario is told. */
export interface Scale {
  /** Fewer rounds and smaller loads, for CI. */
  short: boolean;
}

export interface Scenario {
  name: string;
  title: string;
  run: (scale: Scale) => Promise<Figure[]>;
}

export function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 1)} ms`;
}

export function mebibytes(bytes: number): string {
  return `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** The fields of a figure that has a target, which must not be exceeded. */
export function atMost(value: number, limit: number, unit: string): { target: string; holds: boolean } {
  return { target: `≤ ${limit} ${unit}`, holds: value <= limit };
}

export function atLeast(value: number, limit: number, unit: string): { target: string; holds: boolean } {
  return { target: `≥ ${limit} ${unit}`, holds: value >= limit };
}

const HEAD = ['figure', 'Proctor', 'beside', 'ratio', 'target', 'holds'];

function cells(figure: Figure): string[] {
  const { what, ours, baseline = '', ratio, target = '', holds } = figure;
  const verdict = holds === undefined ? '' : holds ? 'yes' : 'NO';
  return [what, ours, baseline, ratio === undefined ? '' : `${ratio.toFixed(2)} ×`, target, verdict];
}

/** A Markdown table whose columns also line up in a terminal. */
export function table(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(HEAD), rule, ...rows.slice(1).map(line)].join('\n');
}

/** What a reader needs to know of the machine to weigh the figures. */
export function machine(): string {
  const memory = Math.round(totalmem() / 1024 ** 3);
  return `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus().length} cores, ${memory} GiB`;
}
