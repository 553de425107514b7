/** What one look at a rule found for one thing: a model, a key, a budget, or the whole gate. */
export interface Reading {
  /** `{model: "gpt-5"}`; empty: the rule's whole scope. Ids and names of the operator's own, never a caller's text. */
  readonly labels: Readonly<Record<string, string>>;
  /** In the rule's own unit; null: nothing can be said (too few calls). */
  readonly value: number | null;
  readonly breached: boolean;
  /** One sentence for people: what, how much, against which threshold. */
  readonly text: string;
}

/** Name of a reading within its rule. */
export const instanceOf = ({ labels }: Pick<Reading, 'labels'>): string =>
  Object.entries(labels)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${value}`)
    .join(',');
