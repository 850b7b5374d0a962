/** A client's name is shown to people, in one line. */
const MAX_CLIENT = 100;

/** What a client calls itself, fit to be shown: bounded, and without what moves a terminal's cursor or breaks a line. */
export function clientName(told: string): string | undefined {
  // Cut first: half of a pair of surrogates counts as unprintable.
  const shown = told.slice(0, MAX_CLIENT).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '');
  return shown === '' ? undefined : shown;
}
