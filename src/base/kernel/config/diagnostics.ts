import { nearest } from '../did-you-mean.ts';

/** One problem of a configuration: where, what, and how to mend it. All problems are reported together. */
export interface Diagnostic {
  readonly code:
    | 'config_unknown_key'
    | 'config_invalid'
    | 'config_missing'
    | 'config_reference'
    | 'config_syntax'
    /** The file is good by itself, and the state that is there refuses it. */
    | 'config_conflict';
  /** Path in the file: `features.search.chain[0]`. */
  readonly path: string;
  readonly line: number | null;
  /** The line of the file, for the eye; never printed for a key that may hold a secret. */
  readonly excerpt: string | null;
  readonly message: string;
  readonly hint: string | null;
}

/** A configuration that cannot be used, with everything that is wrong with it. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly diagnostics: readonly Diagnostic[];
  constructor(file: string, diagnostics: readonly Diagnostic[]) {
    super(diagnostics.map((diagnostic) => renderDiagnostic(file, diagnostic)).join('\n\n'));
    this.diagnostics = diagnostics;
  }
}

/** What, where, why, how to mend: the order in which people read. */
export function renderDiagnostic(file: string, diagnostic: Diagnostic): string {
  const where = diagnostic.line === null ? file : `${file}:${diagnostic.line}`;
  return [
    `error ${diagnostic.code}: ${diagnostic.message}`,
    `  ${where}${diagnostic.excerpt ? `   ${diagnostic.excerpt.trim()}` : ''}`,
    ...(diagnostic.hint ? [`  ${diagnostic.hint}`] : []),
  ].join('\n');
}

/** "did you mean `fallback`?" or the list of what is known, or null. */
export function didYouMean(wrong: string, known: readonly string[]): string | null {
  const near = nearest(wrong, known, 2);
  if (near.length > 0) return `did you mean ${near.map((name) => `\`${name}\``).join(' or ')}?`;
  return known.length > 0 && known.length <= 30 ? `known: ${[...known].sort().join(', ')}` : null;
}
