// The whole build: bundles in dist/, and on Linux the native supervisor in prebuilds/. Quiet when all is well.
import { build } from 'esbuild';
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildShim } from './build-shim.mjs';
import { buildWeb } from './build-web.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ENTRY = join(ROOT, 'src', 'cli.ts');
const WEB = join(ROOT, 'src', 'web');
const DIST = join(ROOT, 'dist');

// A bundle starts twice as fast as a tree of packages; what is only imported on demand is split off, since even code
// that never runs has to be parsed. Those written as CommonJS call require for Node's own modules.
const BANNER = [
  '#!/usr/bin/env node',
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
].join('\n');

/** Puts in the place of a module that exports plain data what it exports, worked out now. */
const workedOut = {
  name: 'worked-out',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]src[/\\]mcp[/\\]tool-listing\.ts$/ }, async ({ path }) => {
      const options = { entryPoints: [path], bundle: true, write: false, platform: 'node', format: 'esm' };
      const [bundle] = (await build({ ...options, logLevel: 'warning' })).outputFiles;
      const exported = await import(`data:text/javascript,${encodeURIComponent(bundle.text)}`);
      const contents = Object.entries(exported).map(
        ([name, value]) => `export const ${name} = ${JSON.stringify(value)};`,
      );
      return { contents: contents.join('\n') };
    });
  },
};

if (existsSync(ENTRY)) {
  const { metafile } = await build({
    entryPoints: [ENTRY],
    outdir: DIST,
    bundle: true,
    splitting: true,
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: BANNER },
    legalComments: 'eof',
    logLevel: 'warning',
    plugins: [workedOut],
  });
  chmodSync(join(DIST, 'cli.js'), 0o755);
  // Chunks carry a hash of their content in their name: those of earlier builds would pile up.
  const written = new Set(Object.keys(metafile.outputs).map((path) => basename(path)));
  for (const name of readdirSync(DIST)) {
    if (name.endsWith('.js') && !written.has(name)) rmSync(join(DIST, name), { force: true });
  }
}

if (existsSync(WEB)) await buildWeb(WEB, join(DIST, 'web'));

if (process.platform === 'linux') {
  const reason = buildShim();
  // Without a compiler an install still works: processes are then held together by their group alone.
  if (reason !== undefined) console.warn(`proctor: built without the native supervisor (${reason})`);
}
