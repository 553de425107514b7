/**
 * URL of a module beside the one that asks, for threads and child processes. A checkout runs the sources (`.ts`),
 * an installed package what was made of them (`.js`), and only imports are rewritten between the two.
 *
 * @param path with its source's extension: `./decode-thread.ts`
 * @param from `import.meta.url` of the asking module
 */
export const moduleUrl = (path: string, from: string): URL =>
  new URL(from.endsWith('.ts') ? path : path.replace(/\.ts$/, '.js'), from);
