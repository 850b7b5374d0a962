// Listens after a delay and tells when: `listen-late.mjs DELAY_MS PORT file PATH` or `… PORT print`.
import { writeFileSync, writeSync } from 'node:fs';
import { createServer } from 'node:net';

const [delay, port, how, path] = process.argv.slice(2);
const server = createServer((socket) => socket.end());
setTimeout(() => {
  server.listen(Number(port), '127.0.0.1', () => {
    const stamp = process.hrtime.bigint();
    if (how === 'print') writeSync(1, `listening ${stamp}\n`);
    else writeFileSync(path, `${stamp}\n`);
  });
}, Number(delay));
