// Prints one line, after the delay in argv, that says when it was written: CLOCK_MONOTONIC in nanoseconds.
import { writeSync } from 'node:fs';

setTimeout(() => {
  writeSync(1, `READY ${process.hrtime.bigint()}\n`);
  setInterval(() => undefined, 60_000);
}, Number(process.argv[2]));
