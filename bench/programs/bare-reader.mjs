// Reads all output of `node ARGS…` through the pipe that Node makes, and prints how many bytes there were.
import { spawn } from 'node:child_process';

const child = spawn(process.execPath, process.argv.slice(2), { stdio: ['ignore', 'pipe', 'inherit'] });
let bytes = 0;
child.stdout.on('data', (chunk) => {
  bytes += chunk.length;
});
child.once('close', () => console.log(bytes));
