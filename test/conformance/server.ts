// The real HTTP face on a free port, with the conformance suite's fixtures added; prints its URL, and ends with stdin.
import { ProcessManager } from '../../src/core/process/process-manager.ts';
import { DEFAULT_LIMITS } from '../../src/core/limits.ts';
import { HttpServer } from '../../src/http/server.ts';
import { createLogger } from '../../src/logger.ts';
import { createMcpEndpoint } from '../../src/mcp/http.ts';
import { DEFAULT_TASK_LIMITS } from '../../src/mcp/tasks.ts';
import { LocalRunner } from '../../src/platform/local-runner.ts';
import { createFixtureServer } from './fixtures.ts';

const logger = createLogger('silent', process.stderr);
const manager = new ProcessManager(new LocalRunner({ logger }), DEFAULT_LIMITS);
const endpoint = createMcpEndpoint(
  manager,
  { version: '0.0.0', logger },
  // The suite's slow tools take a second.
  { createServer: createFixtureServer, taskLimits: { ...DEFAULT_TASK_LIMITS, quickMs: 200 } },
);
// The suite has no way to send a token; the checks of Host and Origin, which it tests, stand.
const http = new HttpServer({
  bindHost: '127.0.0.1',
  allowHosts: [],
  allowOrigins: [],
  ratePerSecond: 1000,
  maxBodyBytes: 4 * 1024 * 1024,
  logger,
  routes: { '/mcp': (request, exchange) => endpoint.handle(request, exchange) },
});
const { url } = await http.listen(0);
process.stdout.write(`${url}/mcp\n`);

process.stdin.resume().on('end', () => {
  void manager
    .close(0)
    .then(() => endpoint.close())
    .then(() => http.close())
    .then(() => process.exit(0));
});
