/** Matching rules of `@pydantic/genai-prices`, as its data writes them. */
type Rule =
  | { and: Rule[] }
  | { or: Rule[] }
  | { equals: string }
  | { starts_with: string }
  | { ends_with: string }
  | { contains: string }
  | { regex: string };

interface Listed {
  readonly models: readonly { readonly id: string; readonly match: Rule }[];
  readonly fallback_model_providers?: readonly string[];
}

const matches = (rule: Rule, text: string): boolean => {
  if ('or' in rule) return rule.or.some((one) => matches(one, text));
  if ('and' in rule) return rule.and.every((one) => matches(one, text));
  if ('equals' in rule) return text === rule.equals;
  if ('starts_with' in rule) return text.startsWith(rule.starts_with);
  if ('ends_with' in rule) return text.endsWith(rule.ends_with);
  if ('contains' in rule) return text.includes(rule.contains);
  return new RegExp(rule.regex).test(text);
};

/** The listed model of a name: at the provider itself, else at those whose models it resells. */
export function findModel<P extends Listed>(
  provider: P,
  model: string,
  find: (id: string) => P | undefined,
): P['models'][number] | null {
  // Their own patterns are short and anchored; a name is bounded to 256 characters before it gets here.
  const name = model.toLowerCase();
  const own = provider.models.find(({ match }) => matches(match, name));
  if (own) return own;
  for (const id of provider.fallback_model_providers ?? []) {
    const found = find(id)?.models.find(({ match }) => matches(match, name));
    if (found) return found;
  }
  return null;
}
