import { didYouMean } from '#kernel/config/diagnostics.ts';
import type { WantedProvider } from './plan.ts';

/** Providers as they are met: one entry for each address and credential, with a name that people recognise. */
export class ProviderBook {
  readonly #byIdentity = new Map<string, string>();
  readonly #entries = new Map<string, WantedProvider>();

  /** Name of the entry; the same settings are the same entry. */
  name(provider: WantedProvider): string {
    const identity = JSON.stringify(provider);
    const known = this.#byIdentity.get(identity);
    if (known !== undefined) return known;
    const name = this.#free(wantedName(provider));
    this.#byIdentity.set(identity, name);
    this.#entries.set(name, provider);
    return name;
  }

  #free(wanted: string): string {
    for (let n = 1; ; n++) {
      const name = n === 1 ? wanted : `${wanted}-${n}`;
      if (!this.#entries.has(name)) return name;
    }
  }

  entries(): Record<string, WantedProvider> {
    return Object.fromEntries(this.#entries);
  }
}

/** The host says more than “openai-compatible”. */
function wantedName({ kind, baseUrl }: WantedProvider): string {
  if (baseUrl === undefined) return kind;
  const host = URL.canParse(baseUrl) ? new URL(baseUrl).hostname : '';
  const label = host.replace(/^\[|\]$/g, '').replace(/\.(openai\.azure\.com|internal|local)$/, '');
  const slug = label
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '');
  const isPlain = slug === '' || /^(localhost|127-0-0-1|\d+(-\d+){3})$/.test(slug);
  return (isPlain ? kind : slug).slice(0, 60);
}

/** What to do about a provider that has no data file. */
export const unknownProvider = (prefix: string, known: readonly string[]): readonly [string, string] => [
  `Headgate has no data file for the provider \`${prefix}\``,
  [
    didYouMean(prefix, known)?.replace(/^known: .*/, ''),
    'where it has an OpenAI-compatible address: kind `openai-compatible` with that `baseUrl`',
  ]
    .filter(Boolean)
    .join(' '),
];
