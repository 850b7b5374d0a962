import * as z from 'zod';
import type { OutputPage, ScreenFacts } from '../core/types.ts';
import { present } from './present.ts';
import { exitFields } from './shapes.ts';
import { exitOf } from './wire.ts';

const optional = z.exactOptional;
const whole = z.int();

/** A page of output for programs: the same facts that get_output writes into its header, as fields. */
export const pageShape = z.object({
  id: z.string(),
  run: whole,
  status: z.string(),
  ...exitFields,
  from: whole,
  to: whole,
  next: whole,
  retained_from: whole,
  end: whole,
  gap: optional(z.object({ from: whole, to: whole, bytes: whole })),
  text: z.string(),
  omitted: z.array(z.object({ lines: whole, where: z.enum(['before', 'after', 'middle']) })),
  matches: optional(whole),
  screen: optional(
    z.object({
      cols: whole,
      rows: whole,
      cursor: z.object({ row: whole, col: whole }),
      alternate: z.boolean(),
      title: z.string(),
      missing_bytes: whole,
    }),
  ),
  alternate_screen: optional(z.literal(true)),
  awaiting_input: optional(z.literal(true)),
});

export type WirePage = z.output<typeof pageShape>;

export function toPage(page: OutputPage): WirePage {
  const { id, run, status, exit, from, to, next, retainedFrom, end, gap, text, omitted, screen } = page;
  return {
    ...{ id, run, status, ...exitOf(exit), from, to, next, retained_from: retainedFrom, end },
    ...present({ gap }),
    ...{ text, omitted },
    ...present({
      matches: page.matches,
      screen: screen && toScreen(screen),
      alternate_screen: page.alternateScreen,
      awaiting_input: page.awaitingInput,
    }),
  };
}

function toScreen({ missingBytes, ...facts }: ScreenFacts) {
  return { ...facts, missing_bytes: missingBytes };
}
