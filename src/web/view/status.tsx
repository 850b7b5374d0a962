import type { Process } from '../wire.ts';

/** Told by shape as well as by colour. */
const GLYPHS: Readonly<Record<string, string>> = {
  queued: '◌',
  starting: '◌',
  running: '●',
  completed: '✓',
  failed: '✕',
  killed: '■',
  error: '!',
};

export function Glyph({ process: { status, awaiting_input } }: { process: Process }) {
  const shown = awaiting_input ? 'prompt' : status;
  return (
    <i class={`glyph is-${shown}`} aria-hidden="true">
      {awaiting_input ? '›' : (GLYPHS[status] ?? '·')}
    </i>
  );
}

const CAUSES: Readonly<Record<string, string>> = {
  kill_process: 'on request',
  timeout: 'its time was up',
  shutdown: 'at shutdown',
  external: 'from outside',
};

/** How it stands, in words: `killed by SIGTERM, on request`. */
export function statusText({ status, awaiting_input, exit_code, signal, cause, error }: Process): string {
  if (error !== undefined) return `never started: ${error}`;
  const parts = [
    awaiting_input ? `${status}, waits for input` : status,
    ...(exit_code !== undefined && exit_code !== 0 ? [`with code ${exit_code}`] : []),
    ...(signal !== undefined ? [`by ${signal}`] : []),
  ];
  const why = CAUSES[cause ?? ''];
  return parts.join(' ') + (why === undefined ? '' : `, ${why}`);
}
