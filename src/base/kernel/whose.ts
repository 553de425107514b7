import type { TenantId } from './brand.ts';
import { invariant } from './invariant.ts';

declare const every: unique symbol;
declare const keyed: unique symbol;
declare const below: unique symbol;

/** All tenants at once: the operator's question, with the reason why no single tenant is meant. */
export interface EveryTenant {
  readonly everyTenant: string;
  readonly [every]: true;
}

/**
 * Whose data are meant: one tenant's, or all of them for a stated reason. Whatever asks a port takes one, so that a
 * tenant that was forgotten does not compile, where an absent filter would read everything.
 */
export type Whose = TenantId | EveryTenant;

/**
 * For the operator's doors and for work of the gate's own; `test/isolation/whose.test.ts` lists the files that may.
 * `reason`: why no single tenant is meant, for whoever reads the code.
 */
export const everyTenant = (reason: string): EveryTenant => Object.freeze({ everyTenant: reason }) as EveryTenant;

/** The tenant that is meant; null: every. Throws for what is neither, as an absent one that a cast let through. */
export function tenantOf(whose: Whose): TenantId | null {
  if (typeof whose === 'string') {
    invariant(whose !== '', 'a tenant has a name');
    return whose;
  }
  invariant(typeof whose?.everyTenant === 'string', 'a question says whose data it means');
  return null;
}

/** Is a thing of this tenant among what is meant? */
export function concerns(whose: Whose, tenant: TenantId | string | null): boolean {
  const one = tenantOf(whose);
  return one === null || one === tenant;
}

/** A filter's tenant as a question has it: none named means every one, for a reason that has to be said. */
export const namedOr = (tenant: string | null | undefined, reason: string): Whose =>
  tenant === null || tenant === undefined ? everyTenant(reason) : (tenant as TenantId);

/**
 * Name of something that is kept: whose it is, of what kind, and which. {@link tenantKey} alone makes one, and asks for
 * the tenant first. `K` keeps the keys of one kind from being passed for those of another.
 */
export type TenantKey<K extends string = string> = string & { readonly [keyed]: K };

/** What keys have in common that are one for each of many; {@link keyUnder} ends it. */
export type KeyPrefix<K extends string = string> = string & { readonly [below]: K };

const SPECIAL = /[%|{}\ud800-\udfff]/;
const ESCAPED = /[%|{}]|\p{Cs}/gu;

/**
 * A part of a key as it stands in one: without `|`, which parts them, without the braces by which Valkey finds a key's
 * server, and without a half of a surrogate pair, all of which have the same bytes in UTF-8.
 */
export const keyPart = (text: string): string =>
  SPECIAL.test(text) ? text.replace(ESCAPED, (unit) => `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : text;

const unescaped = (part: string): string =>
  part.includes('%')
    ? part.replace(/%([0-9a-f]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : part;

/**
 * `kind|tenant|id`, and further parts after it. No two differ in kind, owner or parts and have one key; every tenant's
 * own has no tenant between its bars, which no tenant's name is.
 */
export const tenantKey = <K extends string>(whose: Whose, kind: K, ...id: readonly [string, ...string[]]) =>
  `${headOf(whose, kind)}|${id.map(keyPart).join('|')}` as TenantKey<K>;

/** The part of {@link tenantKey} before its last part, which each of many has of its own. */
export const keyPrefix = <K extends string>(whose: Whose, kind: K, ...id: readonly string[]) =>
  `${[headOf(whose, kind), ...id.map(keyPart)].join('|')}|` as KeyPrefix<K>;

const headOf = (whose: Whose, kind: string): string => `${keyPart(kind)}|${keyPart(tenantOf(whose) ?? '')}`;

/** The same key as {@link tenantKey} makes of all parts. */
export const keyUnder = <K extends string>(prefix: KeyPrefix<K>, last: string): TenantKey<K> =>
  (prefix + keyPart(last)) as string as TenantKey<K>;

export const isUnder = <K extends string>(prefix: KeyPrefix<K>, key: TenantKey<K>): boolean => key.startsWith(prefix);

/** Whose a key is, of what kind, and its parts. */
export function partsOf(key: TenantKey): {
  readonly kind: string;
  readonly tenant: TenantId | null;
  readonly id: readonly string[];
} {
  const [kind, tenant, ...id] = key.split('|').map(unescaped);
  return { kind: kind!, tenant: tenant === '' ? null : (tenant as TenantId), id };
}

/** Is a key's owner among those who are meant? */
export const concernsKey = (whose: Whose, key: TenantKey): boolean =>
  tenantOf(whose) === null || concerns(whose, partsOf(key).tenant);

/** A key that was written to disk or sent by another process; null: it is of another kind, or no key at all. */
export function readKey<K extends string>(text: string, kind: K): TenantKey<K> | null {
  const bars = text.split('|').length - 1;
  return bars >= 2 && text.startsWith(`${keyPart(kind)}|`) ? (text as TenantKey<K>) : null;
}
