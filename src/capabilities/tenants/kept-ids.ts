import { HeadgateError } from '#kernel/errors.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import type { MaybePromise } from '#ports/shared-state.ts';
import type { TenantId } from '#kernel/brand.ts';
import { tenantKey, type TenantKey } from '#kernel/whose.ts';
import type { KeptId, StateStore } from '#ports/state-store.ts';
import type { Clock } from '#kernel/clock.ts';
import { BoundedMap } from '#kernel/bounded-map.ts';
import type { Caller } from './directory.ts';

/** An id of a request that names something at a provider. */
export interface AskedId {
  readonly kind: string;
  readonly id: string;
  readonly field: string;
}

/** Whose an id is. */
export interface KeptOwner {
  readonly tenant: Pick<Caller['tenant'], 'id'>;
  readonly key: Pick<Caller['key'], 'id'>;
}

/** In memory in front of the store: about 250 bytes each. */
const REMEMBERED = 50_000;
/** Ids that wait for a store that is away: 2.5 MB. Later ones are known to this process alone. */
const MAX_PENDING = 10_000;
/** No provider's id is longer; a longer one is not looked up. */
const LONGEST_ID = 512;

interface Options {
  readonly state: Pick<StateStore, 'keepId' | 'keptId'>;
  readonly clock: Clock;
  readonly onTrouble: (what: string, error: unknown) => void;
}

/**
 * Ids that providers keep, each inside the tenant that made it (clients.md 14). What is near is by tenant too: another's
 * id is looked for in the store like one that never was, and takes the same time.
 */
export class KeptIds {
  readonly #options: Options;
  readonly #near = new BoundedMap<TenantKey<'kept'>, KeptId>(REMEMBERED);
  readonly #pending = new Map<TenantKey<'kept'>, KeptId>();

  constructor(options: Options) {
    this.#options = options;
  }

  /** The deployment that holds the ids; null where none is asked for. Another tenant's id reads like no id at all. */
  check(caller: Caller, asked: readonly AskedId[]): MaybePromise<Result<string | null, HeadgateError>> {
    if (asked.length === 0) return ok(null);
    const owner = caller.tenant.id;
    const near = asked.map(({ kind, id }) => this.#near.get(nameOf(owner, kind, id)) ?? null);
    if (near.every((kept) => kept !== null)) return judge(asked, near);
    return this.#checkStored(caller, asked);
  }

  async #checkStored(caller: Caller, asked: readonly AskedId[]): Promise<Result<string | null, HeadgateError>> {
    try {
      const kept: (KeptId | null)[] = [];
      for (const { kind, id } of asked) kept.push(await this.#find(caller.tenant.id, kind, id));
      return judge(asked, kept);
    } catch (error) {
      return err(new HeadgateError('store_unavailable', {}, error));
    }
  }

  async #find(tenant: TenantId, kind: string, id: string): Promise<KeptId | null> {
    if (id.length > LONGEST_ID) return null;
    const near = this.#near.get(nameOf(tenant, kind, id));
    if (near) return near;
    const kept = await this.#options.state.keptId(tenant, kind, id);
    if (kept) this.#near.set(nameOf(tenant, kind, id), kept);
    return kept;
  }

  /** Notes who made an id, at once in memory and soon in the store. The first to name an id owns it. */
  remember(
    caller: KeptOwner,
    ids: readonly { readonly kind: string; readonly id: string }[],
    deployment: string,
  ): void {
    for (const { kind, id } of ids) {
      const { tenant, key } = caller;
      const name = nameOf(tenant.id, kind, id);
      if (id.length > LONGEST_ID || this.#near.get(name)) continue;
      const kept = { kind, id, tenant: tenant.id, key: key.id, deployment, at: this.#options.clock.now() };
      this.#near.set(name, kept);
      if (this.#pending.size < MAX_PENDING) this.#pending.set(name, kept);
      void this.#store(name, kept);
    }
  }

  async #store(name: TenantKey<'kept'>, kept: KeptId): Promise<void> {
    try {
      const owner = await this.#options.state.keepId(kept);
      // Where somebody was first, that word counts.
      if (owner.tenant === kept.tenant) this.#near.set(name, owner);
      else this.#near.delete(name);
      this.#pending.delete(name);
    } catch (error) {
      this.#options.onTrouble('kept id not stored', error);
    }
  }

  /** Stores what a store that was away has missed; called when it is back and before the process ends. */
  async flush(): Promise<void> {
    for (const [name, kept] of [...this.#pending]) await this.#store(name, kept);
  }
}

const nameOf = (tenant: TenantId, kind: string, id: string): TenantKey<'kept'> => tenantKey(tenant, 'kept', kind, id);

function judge(asked: readonly AskedId[], kept: readonly (KeptId | null)[]): Result<string | null, HeadgateError> {
  const foreign = kept.findIndex((one) => one === null);
  if (foreign >= 0) return err(unknownId(asked[foreign]!));
  const deployments = kept.map((one) => one!.deployment);
  // A file belongs to an account and to no model: any deployment there can read it.
  const own = deployments.filter((name) => !name.endsWith(NO_MODEL));
  if (new Set(own).size <= 1 && new Set(deployments.map(accountOf)).size === 1) return ok(own[0] ?? deployments[0]!);
  const message = 'The ids of this request are kept at different deployments, and one call goes to one of them.';
  return err(new HeadgateError('invalid_request', { field: asked[1]!.field, message }));
}

/** Ends the deployment of what was made without a model. */
const NO_MODEL = '/-';
const accountOf = (deployment: string): string => deployment.slice(0, deployment.indexOf('/'));

const unknownId = ({ kind, id, field }: AskedId): HeadgateError =>
  new HeadgateError('not_found', { field, message: `There is no ${kind} with the id \`${id.slice(0, 128)}\`.` });
