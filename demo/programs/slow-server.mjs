// A dev server as they come: it talks while it compiles, and listens only after a while, on a port of its own choice.
import { createServer } from 'node:http';

console.log('\x1b[36mcompiling…\x1b[0m');
setTimeout(() => {
  const server = createServer((request, response) => {
    console.log(`${request.method} ${request.url}`);
    response.end('<h1>hello from the dev server</h1>\n');
  });
  server.listen(0, '127.0.0.1', () => {
    console.log(`\x1b[32mready\x1b[0m in 1200 ms: http://localhost:${server.address().port}/`);
  });
}, 1200);
