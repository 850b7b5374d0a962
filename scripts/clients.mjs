// Drives the built server with real MCP clients, over stdio, HTTP and the bridge, and prints what each of them can do.
// The clients are installed under build/ on first use, and with them the Node 22 that the Inspector needs.
import { execFile, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const HOME = join(ROOT, 'build', 'clients');
const CLI = join(ROOT, 'dist', 'cli.js');
const PACKAGES = [
  'sdk-1.0@npm:@modelcontextprotocol/sdk@1.0.4',
  'sdk-1.12@npm:@modelcontextprotocol/sdk@1.12.3',
  'sdk-1.20@npm:@modelcontextprotocol/sdk@1.20.2',
  'sdk-1.32@npm:@modelcontextprotocol/sdk@1.32.2',
  '@modelcontextprotocol/client@2.4.0',
  '@ai-sdk/mcp@1.0.101',
  'mcporter@0.9.0',
  '@modelcontextprotocol/inspector@2.12.0',
  'node@22.23.3',
];
const TOOLS = 10;
const run = promisify(execFile);

const stamp = join(HOME, 'installed.json');
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== JSON.stringify(PACKAGES)) {
  mkdirSync(HOME, { recursive: true });
  writeFileSync(join(HOME, 'package.json'), '{ "private": true }\n');
  const { status } = spawnSync(
    'npm',
    ['install', '--no-fund', '--no-audit', '--silent', '--force', ...PACKAGES],
    {
      cwd: HOME,
      stdio: 'inherit',
    },
  );
  if (status !== 0) throw new Error('the clients could not be installed');
  writeFileSync(stamp, JSON.stringify(PACKAGES));
}

const state = mkdtempSync(join(tmpdir(), 'proctor-clients-'));
const env = { PATH: process.env.PATH, HOME: process.env.HOME, PROCTOR_STATE_DIR: state };
const server = spawn(process.execPath, [CLI, 'serve', '--port', '0'], {
  env,
  stdio: ['ignore', 'pipe', 'inherit'],
});
await new Promise((resolve, reject) => {
  server.stdout.once('data', resolve);
  server.once('exit', () => reject(new Error('the server ended before it listened')));
});
const url = `${JSON.parse(readFileSync(join(state, 'server.json'), 'utf8')).url}/mcp`;
const headers = { Authorization: `Bearer ${readFileSync(join(state, 'token'), 'utf8').trim()}` };

const STDIO = { command: process.execPath, args: [CLI], env };
const BRIDGE = { command: process.execPath, args: [CLI, '--connect'], env };
const module = (path) => import(pathToFileURL(join(HOME, 'node_modules', path)).href);
const node22 = join(HOME, 'node_modules', 'node', 'bin', 'node');
const bin = (name) => join(HOME, 'node_modules', '.bin', name);

/** What every client must be able to do: list the tools, run a command to its end, and read its output. */
async function drive(listTools, callTool) {
  const tools = await listTools();
  if (tools !== TOOLS) throw new Error(`${tools} tools instead of ${TOOLS}`);
  const word = `word-${Math.random().toString(36).slice(2)}`;
  const ran = await callTool('run_background', { command: `echo ${word}`, wait_for: { exit: true } });
  if (!JSON.stringify(ran).includes(word)) throw new Error('the output is not in the answer');
}

async function driveSdk(client, transport, asked) {
  await client.connect(transport);
  try {
    await drive(
      async () => (await client.listTools()).tools.length,
      (name, args) => client.callTool({ name, arguments: args }, ...asked),
    );
  } finally {
    await client.close();
  }
}

/** A client of the 1.x SDK; the first versions know no Streamable HTTP. */
function sdk1(folder, dist, hasHttp) {
  const load = (path) => module(`${folder}/${dist}/${path}`);
  const client = async () =>
    new (await load('client/index.js')).Client({ name: folder, version: '1' }, { capabilities: {} });
  const stdio = async (parameters) => {
    const { StdioClientTransport } = await load('client/stdio.js');
    await driveSdk(await client(), new StdioClientTransport({ ...parameters, stderr: 'ignore' }), []);
  };
  const http = async () => {
    const { StreamableHTTPClientTransport } = await load('client/streamableHttp.js');
    await driveSdk(
      await client(),
      new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
      [],
    );
  };
  return { stdio, ...(hasHttp && { http }) };
}

function sdk2(mode) {
  const load = () => module('@modelcontextprotocol/client/dist/index.mjs');
  const client = async () =>
    new (await load()).Client({ name: 'v2', version: '1' }, { versionNegotiation: { mode } });
  return {
    stdio: async (parameters) => {
      const { StdioClientTransport } = await module('@modelcontextprotocol/client/dist/stdio.mjs');
      await driveSdk(await client(), new StdioClientTransport({ ...parameters, stderr: 'ignore' }), []);
    },
    http: async () => {
      const { StreamableHTTPClientTransport } = await load();
      await driveSdk(
        await client(),
        new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } }),
        [],
      );
    },
  };
}

const aiSdk = {
  async use(transport) {
    const { createMCPClient } = await module('@ai-sdk/mcp/dist/index.mjs');
    const client = await createMCPClient({ transport });
    try {
      const tools = await client.tools();
      await drive(
        () => Object.keys(tools).length,
        (name, args) => tools[name].execute(args, { toolCallId: '1', messages: [] }),
      );
    } finally {
      await client.close();
    }
  },
  async stdio(parameters) {
    const { Experimental_StdioMCPTransport: Transport } = await module(
      '@ai-sdk/mcp/dist/mcp-stdio/index.mjs',
    );
    await this.use(new Transport({ ...parameters, stderr: 'ignore' }));
  },
  http() {
    return this.use({ type: 'http', url, headers });
  },
};

/** mcporter reads its servers from a file. */
const mcporter = {
  async use(definition) {
    const config = join(state, 'mcporter.json');
    writeFileSync(config, JSON.stringify({ mcpServers: { proctor: definition } }));
    const ask = async (...args) =>
      (
        await run(bin('mcporter'), ['--config', config, ...args], {
          env: { ...env, HOME: state },
          cwd: state,
        })
      ).stdout;
    await drive(
      async () => JSON.parse(await ask('list', 'proctor', '--json')).tools.length,
      (name, args) => ask('call', `proctor.${name}`, '--args', JSON.stringify(args)),
    );
  },
  stdio(parameters) {
    return this.use(parameters);
  },
  http() {
    return this.use({ baseUrl: url, headers });
  },
};

/** The Inspector's command line starts the server anew for each question. */
const inspector = {
  async use(...target) {
    const ask = async (...args) =>
      JSON.parse((await run(node22, [bin('mcp-inspector'), '--cli', ...target, ...args], { env })).stdout);
    await drive(
      async () => (await ask('--method', 'tools/list')).tools.length,
      (name, args) =>
        ask(
          ...['--method', 'tools/call', '--tool-name', name],
          ...Object.entries(args).flatMap(([key, value]) => [
            '--tool-arg',
            `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
          ]),
        ),
    );
  },
  stdio({ command, args }) {
    return this.use('-e', `PROCTOR_STATE_DIR=${state}`, command, ...args);
  },
  http() {
    return this.use(url, '--transport', 'http', '--header', `Authorization: ${headers.Authorization}`);
  },
};

const CLIENTS = {
  '@modelcontextprotocol/sdk 1.0.4': sdk1('sdk-1.0', 'dist', false),
  '@modelcontextprotocol/sdk 1.12.3': sdk1('sdk-1.12', 'dist/esm', true),
  '@modelcontextprotocol/sdk 1.20.2': sdk1('sdk-1.20', 'dist/esm', true),
  '@modelcontextprotocol/sdk 1.32.2': sdk1('sdk-1.32', 'dist/esm', true),
  '@modelcontextprotocol/client 2.4.0, 2025-11-25': sdk2('legacy'),
  '@modelcontextprotocol/client 2.4.0, 2026-07-28': sdk2({ pin: '2026-07-28' }),
  '@ai-sdk/mcp 1.0.101': aiSdk,
  'mcporter 0.9.0': mcporter,
  'MCP Inspector 2.12.0, command line': inspector,
};

/** Clients that cannot do a thing for a reason of their own. */
const CANNOT = { '@modelcontextprotocol/sdk 1.0.4 http': 'older than Streamable HTTP' };

let failed = false;
console.log('| client | stdio | HTTP | bridge |\n| --- | --- | --- | --- |');
for (const [name, client] of Object.entries(CLIENTS)) {
  const ways = {
    stdio: () => client.stdio(STDIO),
    http: client.http && (() => client.http()),
    bridge: () => client.stdio(BRIDGE),
  };
  const told = [];
  for (const [way, attempt] of Object.entries(ways)) {
    if (attempt === undefined) {
      told.push(`no: ${CANNOT[`${name} ${way}`]}`);
      continue;
    }
    try {
      await attempt();
      told.push('yes');
    } catch (error) {
      failed = true;
      told.push('FAILED');
      console.error(`${name}, ${way}:`, error);
    }
  }
  console.log(`| ${name} | ${told.join(' | ')} |`);
}
server.kill('SIGTERM');
await new Promise((resolve) => server.once('exit', resolve));
rmSync(state, { recursive: true });
process.exitCode = failed ? 1 : 0;
