import type { DialectName } from '../canonical.ts';

/** The dialects between which a generation may cross. */
export type Crossable = Extract<
  DialectName,
  'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'google-generate' | 'bedrock-converse'
>;
export const CROSSABLE: readonly Crossable[] = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'google-generate',
  'bedrock-converse',
];

/**
 * What becomes of one field at one target. `carried`: the same value stands at `at`. `mapped`: it is said in the
 * target's words at `at`, or, where `at` is null, the target does so anyway. `hint`: left out and listed as `named`.
 * `refused`: a 400 that names `named`, unless the caller's rule is `drop`.
 */
export type Cell =
  | { readonly verdict: 'carried'; readonly at: string }
  | { readonly verdict: 'mapped'; readonly at: string | null; readonly value?: unknown }
  | { readonly verdict: 'hint'; readonly named: string }
  | { readonly verdict: 'refused'; readonly named: string };

export interface Row {
  /** The field as the caller writes it, or the shape of content in words. */
  readonly field: string;
  /** What is set in a minimal valid body. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Path of the value within `body` that a `carried` cell finds again. */
  readonly from: string;
  readonly to: Readonly<Partial<Record<Crossable, Cell>>>;
}

export const same = (at: string): Cell => ({ verdict: 'carried', at });
export const as = (at: string | null, ...value: unknown[]): Cell => ({
  verdict: 'mapped',
  at,
  ...(value.length > 0 && { value: value[0] }),
});
export const left = (named: string): Cell => ({ verdict: 'hint', named });
export const no = (named: string): Cell => ({ verdict: 'refused', named });

export type Cells = Readonly<Partial<Record<Crossable, Cell>>>;
export interface FieldCells {
  readonly cells: Cells;
  /** Fields without which this one means nothing. */
  readonly beside?: Readonly<Record<string, unknown>>;
  readonly sample?: unknown;
}
