import type { CaptureRule } from '#ports/state-store.ts';

/** What a rule may ask of a call. */
export interface Subject {
  readonly tenant: string;
  readonly feature: string | null;
  readonly key: string;
  /** As the caller asked for it. */
  readonly model: string;
}

const inScope = ({ scope }: CaptureRule, subject: Subject): boolean =>
  (['tenant', 'feature', 'key', 'model'] as const).every(
    (name) => scope[name] === null || scope[name] === subject[name],
  );

/** The rule by which a call is kept: the one with the largest share of those in whose scope it is. `draw` is in [0, 1). */
export function ruleFor(rules: readonly CaptureRule[], subject: Subject, draw: number): CaptureRule | null {
  let found: CaptureRule | null = null;
  for (const rule of rules) if (inScope(rule, subject) && (found === null || rule.ratio > found.ratio)) found = rule;
  return found !== null && draw < found.ratio ? found : null;
}
