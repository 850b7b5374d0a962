import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const src = resolve(import.meta.dirname, '../src');
const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => join(src, name));

interface Import {
  from: string;
  /** Path inside src, or the package's name. */
  to: string;
  typeOnly: boolean;
}

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  const found: Import[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const to = (node.moduleSpecifier as ts.StringLiteral).text;
      const typeOnly = ts.isImportDeclaration(node)
        ? node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
        : node.isTypeOnly;
      found.push({ from: file, to, typeOnly });
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument))
        found.push({ from: file, to: argument.text, typeOnly: false });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found.map(({ from, to, typeOnly }) => ({
    from: relative(src, from),
    to: to.startsWith('.') ? relative(src, resolve(dirname(from), to)) : to,
    typeOnly,
  }));
}

const imports = files.flatMap(importsOf);
const room = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : path);

/** Which rooms of src a room may import from, besides itself. */
const MAY_IMPORT: Record<string, string[]> = {
  core: [],
  platform: ['core', 'logger.ts'],
  tools: ['core'],
  mcp: ['tools', 'core', 'logger.ts'],
  http: ['tools', 'core', 'logger.ts'],
  client: ['tools', 'core'],
  cli: [
    ...['client', 'tools', 'core', 'platform'],
    ...['config.ts', 'settings.ts', 'setting-values.ts', 'flags.ts', 'locate.ts', 'state-file.ts'],
  ],
  web: [],
};
/** Rooms of which a room may know the types, and nothing that runs: a browser has no use for it. */
const MAY_KNOW: Record<string, string[]> = { web: ['tools', 'core'] };
/** All that tools may know of the core. */
const TOOLS_MAY_SEE = ['service', 'types', 'errors', 'pattern', 'limits'].map((name) => `core/${name}.ts`);

/** Packages and builtins that only some rooms may use. */
const ONLY_IN: { module: RegExp; rooms: string[] }[] = [
  { module: /^@modelcontextprotocol\//, rooms: ['mcp'] },
  { module: /^(node:)?child_process$/, rooms: ['platform'] },
  { module: /^(node:)?(net|tty|dgram)$/, rooms: ['platform'] },
  { module: /^(execa|tree-kill)$/, rooms: ['platform'] },
  { module: /^(preact|@preact\/|@xterm\/(xterm|addon))/, rooms: ['web'] },
  { module: /^(re2js|@xterm\/headless)$/, rooms: ['core'] },
];

describe('the arrows between the rooms', () => {
  it('finds the code it is to check', () => {
    expect(files.length).toBeGreaterThan(30);
    expect(imports.length).toBeGreaterThan(100);
  });

  it('holds: each room imports only from where it may', () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      const allowed = MAY_IMPORT[room(from)];
      const target = room(to);
      if (allowed === undefined || !files.includes(join(src, to)) || target === room(from)) return false;
      if (typeOnly && MAY_KNOW[room(from)]?.includes(target)) return false;
      return !allowed.includes(target);
    });
    expect(wrong).toEqual([]);
  });

  it('holds: tools see only the contract of the core', () => {
    const wrong = imports.filter(
      ({ from, to }) => room(from) === 'tools' && room(to) === 'core' && !TOOLS_MAY_SEE.includes(to),
    );
    expect(wrong).toEqual([]);
  });

  it('holds: a package with an effect on the world stays in its room', () => {
    const wrong = imports.filter(({ from, to }) =>
      ONLY_IN.some(({ module, rooms }) => module.test(to) && !rooms.includes(room(from))),
    );
    expect(wrong).toEqual([]);
  });

  it('has no import cycles', () => {
    const graph = new Map<string, string[]>();
    for (const { from, to, typeOnly } of imports) {
      if (!typeOnly) graph.set(from, [...(graph.get(from) ?? []), to]);
    }
    const done = new Set<string>();
    const cycles: string[] = [];
    const walk = (file: string, path: string[]): void => {
      if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      else if (!done.has(file)) for (const next of graph.get(file) ?? []) walk(next, [...path, file]);
      done.add(file);
    };
    for (const file of graph.keys()) walk(file, []);
    expect(cycles).toEqual([]);
  });
});
