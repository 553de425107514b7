import type { FieldFault, PolicyView } from '../dialect.ts';
import { wrongField, type Check } from '../json/checks.ts';
import { isUnset, type JsonObject } from '../json/read.ts';
import { member, twice, type Name } from './member.ts';

/** What the walk over a body has found; the first fault wins. */
export interface Found {
  fault: FieldFault | null;
  readonly kept: PolicyView['keptIds'][number][];
  readonly hosted: Set<string>;
  /** Parts that bytes do not measure. */
  images: number;
  audios: number;
  files: number;
}

export const newFound = (): Found => ({ fault: null, kept: [], hosted: new Set(), images: 0, audios: 0, files: 0 });

/** Value of a field in either form, checked; null where it is not set or wrong. Both forms at once are a fault. */
export function read(found: Found, value: JsonObject, name: Name, prefix: string, right: Check): unknown {
  found.fault ??= twice(value, name, prefix);
  const there = member(value, name);
  if (isUnset(there)) return null;
  const wants = right(there);
  if (wants === null) return there;
  found.fault ??= wrongField(prefix + name.camel, wants, there);
  return null;
}
