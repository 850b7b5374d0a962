import { Agent, request as httpRequest } from 'node:http';

interface Answer {
  id: number;
  result: { isError?: boolean; structuredContent?: unknown; content: { text: string }[] };
}

type Headers = Record<string, string>;

const CLIENT = { name: 'load', version: '1' };

/**
 * An MCP client over HTTP, of 2026-07-28 or of 2025-11-25, as small as can be: with the SDK's own a benchmark would
 * measure that, since all clients share one processor with what they talk to.
 */
export class LoadClient {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #port: number;
  readonly #headers: Headers;
  readonly #modern: boolean;
  #id = 0;

  constructor({ port, token }: { port: number; token: string }, modern: boolean) {
    this.#port = port;
    this.#modern = modern;
    this.#headers = {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      'mcp-protocol-version': modern ? '2026-07-28' : '2025-11-25',
    };
  }

  async open(): Promise<void> {
    if (this.#modern) return;
    await this.#ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: CLIENT });
    await this.#send('POST', JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  }

  /** A tool's structured content, or its text where it has none. Rejects where the tool reports an error. */
  async call(name: string, args: Record<string, unknown>): Promise<unknown> {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': CLIENT,
      'io.modelcontextprotocol/clientCapabilities': {},
    };
    const params = { name, arguments: args, ...(this.#modern && { _meta }) };
    const headers: Headers = this.#modern ? { 'mcp-method': 'tools/call', 'mcp-name': name } : {};
    const { result } = await this.#ask('tools/call', params, headers);
    const [first] = result.content;
    if (result.isError === true) throw new Error(`${name}: ${first?.text ?? 'an error without a text'}`);
    return result.structuredContent ?? first?.text;
  }

  async close(): Promise<void> {
    if (!this.#modern) await this.#send('DELETE', '');
    this.#agent.destroy();
  }

  async #ask(method: string, params: object, headers: Headers = {}): Promise<Answer> {
    const id = ++this.#id;
    const text = await this.#send('POST', JSON.stringify({ jsonrpc: '2.0', id, method, params }), headers);
    // A stream's last message is the answer.
    const [, data] = /^data: (\{.*\})\n\n$/ms.exec(text.slice(text.lastIndexOf('\ndata: ') + 1)) ?? [];
    const answer = JSON.parse(data ?? text) as Answer;
    if (answer.id !== id) throw new Error(`${method} ${id} was answered with ${answer.id}`);
    return answer;
  }

  #send(method: string, body: string, headers: Headers = {}): Promise<string> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: this.#port, path: '/mcp', method, agent: this.#agent };
      const request = httpRequest({ ...options, headers: { ...this.#headers, ...headers } }, (response) => {
        const session = response.headers['mcp-session-id'];
        if (typeof session === 'string') this.#headers['mcp-session-id'] = session;
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if ((response.statusCode ?? 500) < 300) resolve(text);
          else reject(new Error(`${response.statusCode}: ${text}`));
        });
      });
      request.on('error', reject).end(body);
    });
  }
}
