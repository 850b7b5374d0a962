// The whole build: one bundled file in dist/, and on Linux the native supervisor in prebuilds/. Quiet when all is well.
import { build } from 'esbuild';
import { chmodSync, existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildShim } from './build-shim.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const ENTRY = join(ROOT, 'src', 'cli.ts');
const BUNDLE = join(ROOT, 'dist', 'cli.js');

// One file starts twice as fast as a tree of packages. Those written as CommonJS call require for Node's own modules.
const BANNER = [
  '#!/usr/bin/env node',
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
].join('\n');

if (existsSync(ENTRY)) {
  await build({
    entryPoints: [ENTRY],
    outfile: BUNDLE,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    banner: { js: BANNER },
    legalComments: 'eof',
    logLevel: 'warning',
  });
  chmodSync(BUNDLE, 0o755);
}

if (process.platform === 'linux') {
  const reason = buildShim();
  // Without a compiler an install still works: processes are then held together by their group alone.
  if (reason !== undefined) console.warn(`proctor: built without the native supervisor (${reason})`);
}
