import type { TenantId } from '#kernel/brand.ts';
import { concerns, type EveryTenant } from '#kernel/whose.ts';
import type { AuditEntry, AuditQuestion, KeptId, StateChange, StateSnapshot, StateStore } from '#ports/state-store.ts';
import { requireFreeHashes } from '#ports/state-changes.ts';

type Kind = 'tenant' | 'team' | 'key' | 'budget' | 'limit' | 'layer' | 'price' | 'lever' | 'token';

/** State in memory: what the other implementations are judged by, and a store for tests. */
export const memoryState = (): StateStore => new MemoryState();

class MemoryState implements StateStore {
  #objects: Readonly<Record<Kind, Map<string, unknown>>> = {
    tenant: new Map(),
    team: new Map(),
    key: new Map(),
    budget: new Map(),
    limit: new Map(),
    layer: new Map(),
    price: new Map(),
    lever: new Map(),
    token: new Map(),
  };
  readonly #audit = new Map<string, AuditEntry>();
  readonly #kept = new Map<string, KeptId>();

  async load(_: EveryTenant): Promise<StateSnapshot> {
    const { tenant, team, key, budget, limit, layer, price, lever, token } = this.#objects;
    const sorted = (objects: Map<string, unknown>): unknown[] =>
      [...objects.keys()].sort((a, b) => (a < b ? -1 : 1)).map((id) => objects.get(id));
    return structuredClone({
      tenants: sorted(tenant),
      teams: sorted(team),
      keys: sorted(key),
      budgets: sorted(budget),
      limits: sorted(limit),
      layers: sorted(layer),
      prices: sorted(price),
      levers: sorted(lever),
      tokens: sorted(token),
    }) as StateSnapshot;
  }

  async apply(changes: readonly StateChange[], audit: AuditEntry, ...more: readonly AuditEntry[]): Promise<void> {
    if (this.#audit.has(audit.id)) return;
    const before = this.#objects;
    const next = structuredClone(before);
    for (const change of structuredClone(changes) as StateChange[])
      if ('put' in change) next[change.put].set(change.value.id, change.value);
      else next[change.remove].delete(change.id);
    requireFreeHashes([...next.key.values()] as StateSnapshot['keys']);
    this.#objects = next;
    for (const entry of [audit, ...more]) this.#audit.set(entry.id, structuredClone(entry));
  }

  async audit({ whose, action, limit, before }: AuditQuestion): Promise<readonly AuditEntry[]> {
    return [...this.#audit.values()]
      .filter((entry) => concerns(whose, entry.tenant))
      .filter((entry) => action === undefined || entry.action === action)
      .filter((entry) => before === undefined || entry.id < before)
      .sort((a, b) => (a.id < b.id ? 1 : -1))
      .slice(0, limit);
  }

  async keepId(id: KeptId): Promise<KeptId> {
    const name = JSON.stringify([id.kind, id.id]);
    if (!this.#kept.has(name)) this.#kept.set(name, structuredClone(id));
    return this.#kept.get(name)!;
  }

  async keptId(tenant: TenantId, kind: string, id: string): Promise<KeptId | null> {
    const kept = this.#kept.get(JSON.stringify([kind, id]));
    return kept !== undefined && kept.tenant === tenant ? kept : null;
  }

  async close(): Promise<void> {}
}
