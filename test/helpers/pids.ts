import { readdirSync, readlinkSync } from 'node:fs';

/** Every process that runs this program file: told by what no process can change, unlike name and environment. */
export function pidsRunning(program: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readlinkSync(`/proc/${pid}/exe`) === program;
      } catch {
        // Gone, or a zombie: that has no program any more.
        return false;
      }
    });
}
