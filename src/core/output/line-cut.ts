/** Beside a mark, so much of the line is worth reading, in bytes. */
const WORTH_MARKING = 30;
const ELLIPSIS = '…';

/**
 * A line of which there is only room for `maxBytes`: what is around the match, the ends of one that is longer, and how
 * much is missing. At least one character, and no mark where there is no room for it.
 *
 * @param from Offset of the line.
 */
export function cutAround(
  text: string,
  [start, end]: readonly [start: number, end: number],
  maxBytes: number,
  from: number,
): string {
  const bytes = Buffer.from(text);
  const first = Buffer.byteLength(text.slice(0, start));
  const match = { from: first, to: first + Buffer.byteLength(text.slice(start, end)) };
  const mark = (left: number): string =>
    ` [${left} of ${bytes.length} bytes left out: get_output since=${from} without grep]`;
  const room = maxBytes - mark(bytes.length).length - 3 * Buffer.byteLength(ELLIPSIS);
  if (room < WORTH_MARKING)
    return bytes.toString('utf8', ...whole(bytes, windows(match, maxBytes, bytes)[0]));
  let shown = '';
  let at = 0;
  let left = bytes.length;
  for (const window of windows(match, room, bytes)) {
    const [low, high] = whole(bytes, window);
    shown += (low > at ? ELLIPSIS : '') + bytes.toString('utf8', low, high);
    at = high;
    left -= high - low;
  }
  return shown + (at < bytes.length ? ELLIPSIS : '') + mark(left);
}

interface Window {
  from: number;
  to: number;
}

function windows(match: Window, room: number, { length }: Buffer): [Window, ...Window[]] {
  const spare = room - (match.to - match.from);
  if (spare < 0) {
    const half = room >> 1;
    return [
      { from: match.from, to: match.from + room - half },
      { from: match.to - half, to: match.to },
    ];
  }
  const from = Math.max(0, Math.min(match.from - (spare >> 1), length - room));
  return [{ from, to: from + room }];
}

/** The characters that lie in the window, at least one. */
function whole(bytes: Buffer, { from, to }: Window): [from: number, to: number] {
  let low = from;
  while (isInside(bytes, low)) low++;
  let high = Math.max(low, to);
  while (high > low && isInside(bytes, high)) high--;
  if (high === low) while (isInside(bytes, ++high));
  return [low, high];
}

/** Between two bytes of one character. */
function isInside(bytes: Buffer, index: number): boolean {
  return ((bytes[index] ?? 0) & 0xc0) === 0x80;
}
