// The dashboard: one page, its style, its script, and the terminal as a part that is loaded when one is looked at.
import { build } from 'esbuild';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Bundles `source` into `target`, which is emptied first. The page has to do with nothing but what is built here. */
export async function buildWeb(source, target) {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  const { metafile } = await build({
    entryPoints: [join(source, 'main.tsx'), join(source, 'styles', 'main.css'), join(source, 'icon.svg')],
    outdir: join(target, 'assets'),
    // Names with a hash may be kept by browsers for ever.
    entryNames: '[name]-[hash]',
    assetNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    loader: { '.svg': 'copy' },
    bundle: true,
    splitting: true,
    minify: true,
    metafile: true,
    format: 'esm',
    target: ['chrome117', 'firefox119', 'safari17.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'eof',
    logLevel: 'warning',
  });
  const built = Object.entries(metafile.outputs);
  const nameOf = (entry) => {
    const [path] = built.find(([, output]) => output.entryPoint?.endsWith(entry)) ?? [];
    return `/assets/${basename(path)}`;
  };
  const names = { script: nameOf('main.tsx'), style: nameOf('main.css'), icon: nameOf('icon.svg') };
  const page = readFileSync(join(source, 'index.html'), 'utf8');
  writeFileSync(
    join(target, 'index.html'),
    page.replace(/\{\{(\w+)\}\}/g, (_, name) => names[name]),
  );
}
