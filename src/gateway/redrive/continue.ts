import { dialectFor, type ContinuationRule } from '#providers/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { DialectName } from '#wire/canonical.ts';

/** How this deployment goes on with a text that an answer began with; null: it does not, or nobody knows. */
export function continuationOf(
  { provider, model }: Deployment,
  asked: { readonly dialect: DialectName; readonly model: string },
): ContinuationRule | null {
  const dialect = dialectFor(provider.data, asked.dialect, provider.cacheControl);
  const rule = dialect === null ? undefined : provider.continues[dialect];
  if (rule === undefined) return null;
  return rule.models === undefined || rule.models.test(model ?? asked.model) ? rule : null;
}
