/** What the SDK itself costs: a server with one tool that does nothing. */
import { McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';

serveStdio(() => {
  const server = new McpServer({ name: 'empty', version: '1.0.0' }, { capabilities: { tools: {} } });
  server.registerTool('nothing', { description: 'Does nothing.' }, () => ({
    content: [{ type: 'text', text: 'done' }],
  }));
  return server;
});
