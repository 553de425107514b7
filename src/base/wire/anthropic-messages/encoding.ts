import type { FieldClass } from '../canonical.ts';
import type { Unsupported } from '../dialect.ts';

/** What an encode gathers on its way: fields that Anthropic cannot say, each once, in the order met. */
export interface Encoding {
  readonly unsupported: Unsupported[];
}

export const newEncoding = (): Encoding => ({ unsupported: [] });

export function cannotSay(to: Encoding, field: string, kind: FieldClass): void {
  if (!to.unsupported.some((it) => it.field === field)) to.unsupported.push({ field, class: kind });
}
