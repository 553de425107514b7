import type { TenantId } from '#kernel/brand.ts';
import { everyTenant, keyUnder, type KeyPrefix, type TenantKey, type Whose } from '#kernel/whose.ts';
import type { BudgetScope } from '#ports/state-store.ts';

/** Whom a call is charged to: every budget and limit on these scopes applies. */
export interface Payer {
  readonly tenant: TenantId;
  readonly team: string | null;
  readonly feature: string | null;
  readonly key: string;
  readonly endUser: string | null;
}

/** A scope that names no team, feature, key or end user means each of them for itself. */
export const isEach = ({ level, id }: BudgetScope): boolean =>
  id === null && level !== 'operator' && level !== 'tenant';

const OPERATOR = everyTenant('of the operator’s own level: every tenant’s calls are charged to it');

/** Whose the counters of a scope are. */
export const whoseScope = ({ tenant }: BudgetScope): Whose => tenant ?? OPERATOR;

type Named = Exclude<BudgetScope['level'], 'operator' | 'tenant'>;
const NAMED: readonly Named[] = ['team', 'feature', 'key', 'end_user'];

/** A row that is one for each of many, with the part of their names that they share. */
interface EachRow<Row, K extends string> {
  readonly row: Row;
  readonly prefix: KeyPrefix<K>;
}

interface TenantRows<Row, Applied, K extends string> {
  readonly own: Applied[];
  /** Are there rows below the tenant? Else all its calls are charged alike. */
  below: boolean;
  /** What they are then charged to; made with the first. */
  always: readonly Applied[] | null;
  /** `level` → id → rows. */
  readonly named: Record<Named, Map<string, Applied[]>>;
  readonly each: Record<Named, EachRow<Row, K>[]>;
}

interface Naming<Row, Applied, K extends string> {
  /** Rows of a tenant; null: of the operator's own level. Asked once for each, when it first calls. */
  readonly rowsOf: (tenant: TenantId | null) => Iterable<Row>;
  /** Under which the row's own use is counted. */
  readonly keyOf: (row: Row) => TenantKey<K>;
  /** Of a row for each of many: what stands before the subject. */
  readonly prefixOf: (row: Row) => KeyPrefix<K>;
  readonly applied: (row: Row, key: TenantKey<K>) => Applied;
}

/**
 * Rows by their scope, so that the ones of a call are six look-ups. A tenant's are put in order when it first calls: each
 * change of any row makes a new index, and nine in ten of ten thousand tenants are idle.
 */
export class ScopeIndex<Row extends { readonly scope: BudgetScope }, Applied, K extends string> {
  readonly #naming: Naming<Row, Applied, K>;
  readonly #operator: Applied[] = [];
  /** Null: the tenant has none. */
  readonly #tenants = new Map<TenantId, TenantRows<Row, Applied, K> | null>();

  constructor(naming: Naming<Row, Applied, K>) {
    this.#naming = naming;
    for (const row of naming.rowsOf(null)) this.#operator.push(naming.applied(row, naming.keyOf(row)));
  }

  #rowsOf(tenant: TenantId): TenantRows<Row, Applied, K> | null {
    const known = this.#tenants.get(tenant);
    if (known !== undefined) return known;
    let made: TenantRows<Row, Applied, K> | null = null;
    for (const row of this.#naming.rowsOf(tenant)) this.#add((made ??= emptyTenant()), row);
    this.#tenants.set(tenant, made);
    return made;
  }

  #add(of: TenantRows<Row, Applied, K>, row: Row): void {
    const { level, id } = row.scope;
    const applied = (): Applied => this.#naming.applied(row, this.#naming.keyOf(row));
    if (level === 'operator') return;
    if (level === 'tenant') return void of.own.push(applied());
    of.below = true;
    if (id === null) return void of.each[level].push({ row, prefix: this.#naming.prefixOf(row) });
    const there = of.named[level].get(id);
    if (there) there.push(applied());
    else of.named[level].set(id, [applied()]);
  }

  /** Every row that a call is charged to, from the operator's down to the end user's. */
  of(payer: Payer): readonly Applied[] {
    const tenant = this.#rowsOf(payer.tenant);
    if (!tenant) return this.#operator;
    if (!tenant.below) return (tenant.always ??= [...this.#operator, ...tenant.own]);
    const out = [...this.#operator, ...tenant.own];
    for (const level of NAMED) {
      const subject = subjectOf(payer, level);
      if (subject === null) continue;
      const named = tenant.named[level].get(subject);
      if (named) out.push(...named);
      for (const { row, prefix } of tenant.each[level]) out.push(this.#naming.applied(row, keyUnder(prefix, subject)));
    }
    return out;
  }
}

const emptyTenant = <Row, Applied, K extends string>(): TenantRows<Row, Applied, K> => ({
  own: [],
  below: false,
  always: null,
  named: { team: new Map(), feature: new Map(), key: new Map(), end_user: new Map() },
  each: { team: [], feature: [], key: [], end_user: [] },
});

/** Who is meant at a level; null: the call names none, and no row of that level applies. */
function subjectOf(payer: Payer, level: Named): string | null {
  if (level === 'end_user') return payer.endUser;
  return payer[level];
}
