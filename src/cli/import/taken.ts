import type { FindingKind, Findings, Reason } from './plan.ts';
import type { SourceFile } from './source-file.ts';

/** Why a setting of some name stays behind, by name; `*` is every other name. */
export type Reasons = Readonly<Record<string, readonly [kind: FindingKind, ...reason: Reason]>>;

const UNKNOWN: Reasons[string] = ['left', 'Headgate has no such setting'];

/** One mapping of the source, of which each setting is either taken or listed: nothing is dropped in silence. */
export class Taken {
  readonly #source: SourceFile;
  readonly #path: readonly (string | number)[];
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #used = new Set<string>();

  constructor(source: SourceFile, path: readonly (string | number)[], value: unknown) {
    this.#source = source;
    this.#path = path;
    const isMapping = typeof value === 'object' && value !== null && !Array.isArray(value);
    this.#value = isMapping ? (value as Record<string, unknown>) : {};
  }

  /** The setting, and a mark that it was read; null and absent are alike. */
  take(name: string): unknown {
    this.#used.add(name);
    return this.#value[name] ?? undefined;
  }

  /** A text, or a number or truth as one. Empty is absent; a list or a mapping is not taken, and so it is listed. */
  text(name: string): string | undefined {
    const value = this.#value[name];
    if (typeof value === 'object' && value !== null) return undefined;
    this.#used.add(name);
    return value === null || value === undefined || value === '' ? undefined : String(value);
  }

  /** A finite number, also of a text. */
  number(name: string): number | undefined {
    const value = this.take(name);
    const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
    return typeof number === 'number' && Number.isFinite(number) ? number : undefined;
  }

  section(name: string): Taken {
    return new Taken(this.#source, [...this.#path, name], this.take(name));
  }

  /** The mappings of a list. */
  sections(name: string): readonly Taken[] {
    return this.list(name).map((value, i) => new Taken(this.#source, [...this.#path, name, i], value));
  }

  list(name: string): readonly unknown[] {
    const value = this.take(name);
    return Array.isArray(value) ? value : [];
  }

  place(name?: string): string {
    return this.#source.place(name === undefined ? this.#path : [...this.#path, name]);
  }

  /** `model_list[0].litellm_params.rpm` */
  what(name?: string): string {
    const path = name === undefined ? this.#path : [...this.#path, name];
    return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('');
  }

  /** Lists what nobody took. */
  rest(findings: Findings, reasons: Reasons): void {
    for (const [name, value] of Object.entries(this.#value)) {
      if (this.#used.has(name) || isEmpty(value)) continue;
      const [kind, ...reason] = (Object.hasOwn(reasons, name) ? reasons[name] : reasons['*']) ?? UNKNOWN;
      findings.add(kind, this.place(name), this.what(name), reason);
    }
  }
}

/** Nothing is lost with a setting that says nothing. */
const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && value.length === 0) ||
  (typeof value === 'object' && Object.keys(value).length === 0);
