import type { EpochMs, FeatureName, TeamId, TenantId } from '#kernel/brand.ts';
import type { LayerScope, LayerSettings } from '#ports/layer.ts';
import type { ApiKey, Budget, BudgetLevel, Declaration, Limit, Tenant } from '#ports/state-store.ts';

/*
 * What headgate.yaml declares, checked and with its secrets hashed. Ids that the store may have made already (of keys, budgets and limits) are found when it is brought in.
 */

interface Placed {
  /** Key path in the file: `keys.web-prod`. */
  readonly path: string;
}

export interface DeclaredTenant extends Placed, Pick<Tenant, 'id' | 'name' | 'costExpose'> {
  readonly plan: string | null;
  readonly disabled: boolean;
}

export interface DeclaredTeam extends Placed {
  readonly id: TeamId;
  readonly tenant: TenantId;
  readonly name: string;
  readonly disabled: boolean;
}

type KeySettings = Pick<
  ApiKey,
  'tenant' | 'team' | 'name' | 'owner' | 'expiresAt' | 'models' | 'rights' | 'defaultLabels' | 'operator'
>;
export interface DeclaredKey extends Placed, KeySettings {
  readonly hash: string;
  /** Empty for a hash: nothing of the secret is known. */
  readonly hint: string;
  readonly defaultFeature: FeatureName | null;
  /** How long the secret before this one goes on, where it changed. */
  readonly overlapMs: number;
}

type BudgetSettings = Omit<Budget, 'id' | 'scope' | 'raise' | 'createdAt' | 'declared'>;
export interface DeclaredSubject {
  readonly level: BudgetLevel;
  readonly tenant: TenantId | null;
  /** Team, feature or end user; a key by its path in the file. */
  readonly subject: string | null;
}

export interface DeclaredBudget extends Placed, DeclaredSubject {
  /** Its name in the file; the id of a budget that the API made brings that one in. */
  readonly name: string;
  readonly settings: BudgetSettings;
}

export interface DeclaredLimit extends Placed, DeclaredSubject {
  /** Its name in the file; the id of a limit that the API made brings that one in. */
  readonly name: string;
  readonly settings: Pick<Limit, 'unit' | 'window' | 'limit' | 'contact'>;
}

export interface DeclaredLayer extends Placed {
  readonly scope: Omit<LayerScope, 'id'>;
  /** Plan, team or feature; a key by its path in the file. */
  readonly subject: string | null;
  readonly settings: LayerSettings;
}

export interface Declared {
  readonly tenants: readonly DeclaredTenant[];
  readonly teams: readonly DeclaredTeam[];
  readonly keys: readonly DeclaredKey[];
  readonly budgets: readonly DeclaredBudget[];
  readonly limits: readonly DeclaredLimit[];
  readonly layers: readonly DeclaredLayer[];
}

export interface Declarable {
  readonly declared?: Declaration;
}

/** Does the file declare the row now? */
export const isDeclared = ({ declared }: Declarable): boolean => declared !== undefined && declared.removedAt === null;

export const declaredAt = (path: string): Declaration => ({ path, removedAt: null });

/** The mark of a row whose declaration is gone: the API may change it again. */
export const releasedAt = ({ declared }: Declarable, now: EpochMs): Declaration => ({
  path: declared!.path,
  removedAt: now,
});
