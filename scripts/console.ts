/**
 * Builds the console into dist/console where its sources changed since the last build. esbuild comes as WebAssembly:
 * one package for every platform, no binary to choose and nothing to download.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const root = join(import.meta.dirname, '..');
const entry = 'src/console/main.tsx';
const page = 'src/console/index.html';
const icon = 'src/console/icon.svg';
/** What else decides the output. */
const ALSO = [page, icon, 'package-lock.json', 'scripts/console.ts'];

export const consoleFolder = join(root, 'dist', 'console');
const STAMP = 'build.json';
const stampFile = join(consoleFolder, STAMP);

/** Digest of each file that went into a build. */
type Stamp = Readonly<Record<string, string>>;

const digest = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const digestOf = (file: string): string | null =>
  existsSync(join(root, file)) ? digest(readFileSync(join(root, file))) : null;

function isFresh(): boolean {
  if (!existsSync(stampFile)) return false;
  const stamp = JSON.parse(readFileSync(stampFile, 'utf8')) as Stamp;
  return Object.entries(stamp).every(([file, was]) => digestOf(file) === was);
}

/** True where it had to build. Works from a checkout alone: a package carries the result. */
export async function buildConsole(): Promise<boolean> {
  if (!existsSync(join(root, entry)) || isFresh()) return false;
  const { build } = await import('esbuild-wasm');
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outdir: consoleFolder,
    entryNames: 'console-[hash]',
    bundle: true,
    format: 'esm',
    target: ['chrome120', 'firefox121', 'safari17'],
    minify: true,
    metafile: true,
    write: false,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'error',
  });
  // Made beside its place and then moved: a gate that starts meanwhile finds the old one or the new one.
  const made = `${consoleFolder}.${process.pid}`;
  mkdirSync(made, { recursive: true });
  for (const { path, contents } of outputFiles) writeFileSync(join(made, basename(path)), contents);
  writeFileSync(join(made, 'index.html'), document(outputFiles.map(({ path }) => basename(path))));
  copyFileSync(join(root, icon), join(made, basename(icon)));
  const inputs = [...Object.keys(metafile.inputs).filter((file) => !file.includes('node_modules/')), ...ALSO];
  writeFileSync(join(made, STAMP), JSON.stringify(Object.fromEntries(inputs.map((file) => [file, digestOf(file)]))));
  rmSync(consoleFolder, { recursive: true, force: true });
  renameSync(made, consoleFolder);
  return true;
}

/** The page with the names of this build: they carry a hash, so that a browser keeps them for good. */
function document(files: readonly string[]): string {
  const name = (extension: string): string => files.find((file) => file.endsWith(extension))!;
  return readFileSync(join(root, page), 'utf8')
    .replace('{{script}}', `/console/${name('.js')}`)
    .replace('{{style}}', `/console/${name('.css')}`);
}

/** Bytes of the whole console as a browser gets it. */
export const consoleBytes = (): number =>
  readdirSync(consoleFolder)
    .filter((name) => /\.(js|css|html|svg)$/.test(name))
    .reduce((sum, name) => sum + gzipSync(readFileSync(join(consoleFolder, name)), { level: 9 }).length, 0);

if (process.argv[1] === import.meta.filename) {
  const from = performance.now();
  if (await buildConsole())
    console.error(
      `console: built in ${Math.round(performance.now() - from)} ms, ${Math.round(consoleBytes() / 1024)} KB gzip`,
    );
}
