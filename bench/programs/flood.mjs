// Writes lines of 100 bytes as fast as they are read: `flood.mjs BYTES [PATH]`, 0 for no end. PATH gets the
// milliseconds from the first write to the last.
import { writeFileSync, writeSync } from 'node:fs';

const [bytes, path] = process.argv.slice(2);
const wanted = Number(bytes) || Infinity;
const block = Buffer.from(`${'x'.repeat(99)}\n`.repeat(640));
const begun = performance.now();
for (let written = 0; written < wanted;) {
  written += writeSync(1, block, 0, Math.min(block.length, wanted - written));
}
if (path) writeFileSync(path, String(performance.now() - begun));
