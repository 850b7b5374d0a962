import { InvalidArgumentError } from 'commander';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  '': 1000,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** `500ms`, `10s`, `5m`, `2h`, `1d`, or plain seconds, as milliseconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text.trim()) ?? [];
  const factor = UNIT_MS[unit];
  return digits === undefined || factor === undefined ? undefined : Math.round(Number(digits) * factor);
}

export function parseDuration(text: string): number {
  const ms = durationMs(text);
  if (ms === undefined) throw new InvalidArgumentError('Expected a duration such as 500ms, 10s, 5m or 2h.');
  return ms;
}

export function parseCount(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(text);
}

export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535)
    throw new InvalidArgumentError(
      'Expected a port from 1 to 65535. Without one the flag goes after the id, or before "--".',
    );
  return port;
}

/** `NAME=value` sets a variable, `NAME=` sets it empty, and `NAME` alone unsets it. */
export function parseVariable(
  text: string,
  before: Readonly<Record<string, string | null>> = {},
): Record<string, string | null> {
  const [, name = '', value] = /^([^=]+)(?:=(.*))?$/s.exec(text) ?? [];
  if (name === '') throw new InvalidArgumentError('Expected NAME=VALUE, or NAME to unset it.');
  return { ...before, [name]: value ?? null };
}

/** Where to begin reading. */
export type Since = { cursor: number | 'now' } | { at: number };

/** A cursor, `now`, a duration back from now, or a date. */
export function parseSince(text: string): Since {
  if (text === 'now') return { cursor: 'now' };
  if (/^\d{1,15}$/.test(text)) return { cursor: Number(text) };
  const back = durationMs(text);
  if (back !== undefined) return { at: Date.now() - back };
  const at = Date.parse(text);
  if (Number.isNaN(at))
    throw new InvalidArgumentError(
      'Expected a cursor, "now", a duration such as 10m, or a date such as 2026-01-31T12:00.',
    );
  return { at };
}

/** `3s`, `2m05s`, `1h02m`, `3d04h`. */
export function formatDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h${two(Math.floor((seconds % 3600) / 60))}m`;
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor((seconds % 86_400) / 3600))}h`;
}

/** `0`, `640K`, `12M`, `1.4G`. */
export function formatBytes(bytes: number): string {
  const units = ['', 'K', 'M', 'G', 'T'];
  const power = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** power;
  return `${value < 10 && power > 0 ? value.toFixed(1) : Math.round(value)}${units[power] ?? ''}`;
}
