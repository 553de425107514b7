import { dialectFor, dialectsFor, type ContinuationRule } from '#providers/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { DialectName } from '#wire/canonical.ts';

/** By which of its APIs a deployment goes on with a text, and how. */
export interface Continuation {
  readonly dialect: DialectName;
  readonly set?: ContinuationRule['set'];
}

/**
 * How this deployment goes on with a text that an answer began with; null: it does not, or nobody knows. Its events are
 * written anew, so that it need not be the API that the answer began by: vLLM's Responses are gone on with by a chat.
 */
export function continuationOf(
  { provider, model }: Deployment,
  asked: { readonly dialect: DialectName; readonly model: string },
): Continuation | null {
  const { data, continues, cacheControl } = provider;
  const usual = dialectFor(data, asked.dialect, cacheControl);
  const ways = usual === null ? [] : [usual, ...dialectsFor(data, asked.dialect).filter((other) => other !== usual)];
  const goesOn = (rule: ContinuationRule | undefined): rule is ContinuationRule =>
    rule !== undefined && (rule.models === undefined || rule.models.test(model ?? asked.model));
  const dialect = ways.find((way) => goesOn(continues[way]));
  return dialect === undefined ? null : { dialect, set: continues[dialect]!.set };
}
