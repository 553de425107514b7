/** A module of a thread beside the caller's: `.ts` from a checkout, `.js` from a package, as the caller itself is. */
export const threadEntry = (path: string, from: string): URL =>
  new URL(from.endsWith('.js') ? path.replace(/\.ts$/, '.js') : path, from);
