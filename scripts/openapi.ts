/*
 * Writes docs/openapi.json from the schemas that the HTTP API checks requests with. With --check it writes nothing and
 * fails when the file is stale.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { format } from 'prettier';
import { openApiDocument } from '../src/http/openapi.ts';

const FILE = resolve(import.meta.dirname, '../docs/openapi.json');

const wanted = await format(JSON.stringify(openApiDocument()), { parser: 'json', printWidth: 110 });
if (!process.argv.includes('--check')) {
  mkdirSync(dirname(FILE), { recursive: true });
  writeFileSync(FILE, wanted);
} else if (!existsSync(FILE) || readFileSync(FILE, 'utf8') !== wanted) {
  process.stderr.write('docs/openapi.json is stale. Run "npm run docs" and commit the result.\n');
  process.exitCode = 1;
}
