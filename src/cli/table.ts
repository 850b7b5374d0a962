import { visibleLine } from './visible.ts';

/** A column's heading and what it shows of a row. */
export interface Column<Row> {
  title: string;
  align?: 'right';
  value: (row: Row) => string;
  /** Styles the padded cell, which keeps its width. */
  style?: (row: Row, cell: string) => string;
}

/** Columns padded to their widest cell; lines are cut to `width` characters, colours not counted. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  width = Infinity,
): string[] {
  const cells = rows.map((row) => columns.map(({ value }) => visibleLine(value(row))));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, ...cells.map((row) => (row[index] ?? '').length)),
  );
  const fit = (texts: readonly string[], style: (index: number, cell: string) => string): string => {
    let room = width;
    const shown: string[] = [];
    for (const [index, { align }] of columns.entries()) {
      if (room <= 0) break;
      const text = texts[index] ?? '';
      const last = index === columns.length - 1;
      const padded =
        align === 'right' ? text.padStart(widths[index] ?? 0) : text.padEnd(last ? 0 : (widths[index] ?? 0));
      const cell = padded.length <= room ? padded : `${padded.slice(0, Math.max(0, room - 1))}…`;
      room -= cell.length + 2;
      shown.push(style(index, cell));
    }
    return shown.join('  ').trimEnd();
  };
  const heading = fit(
    columns.map(({ title }) => title),
    (_, cell) => cell,
  );
  return [
    heading,
    ...rows.map((row, index) =>
      fit(cells[index] ?? [], (column, cell) => columns[column]?.style?.(row, cell) ?? cell),
    ),
  ];
}
