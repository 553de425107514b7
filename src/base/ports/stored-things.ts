import type { EpochMs, KeyId, TenantId } from '#kernel/brand.ts';

export type ThingKind =
  | 'file'
  | 'batch'
  /** The gate's own: which calls a batch admitted. Its id is the gate's, made before the provider gives the batch one. */
  | 'plan';

/** What the gate knows of something that a provider keeps for a tenant. Lists are made from it, never from the account's. */
export interface StoredThing {
  readonly kind: ThingKind;
  readonly id: string;
  readonly tenant: TenantId;
  readonly key: KeyId;
  /** `provider/model-id`; the model of a file that belongs to none is `-`. */
  readonly deployment: string;
  /** Whose API it was made by: the other one does not list it. */
  readonly family: 'openai' | 'anthropic';
  readonly at: EpochMs;
  /** JSON text of the object as the provider showed it last. */
  readonly shown: string;
  /** JSON of what the gate noted; null: nothing. Never a prompt or an answer. */
  readonly facts: string | null;
}

/** A thing as a list has it. */
export type ListedThing = Omit<StoredThing, 'facts'>;

export interface ThingsQuestion {
  readonly tenant: TenantId;
  readonly kind: ThingKind;
  readonly family: StoredThing['family'];
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** Id of the last thing of the page before; an unknown one begins at the start. */
  readonly after?: string;
}

/**
 * Things of tenants at providers, each inside its tenant: two of one id are two things. Every method may reject with
 * `store_unavailable`.
 */
export interface StoredThings {
  /** Adds it or takes the place of what its tenant had there. */
  put(thing: StoredThing): Promise<void>;
  /** What the provider shows of it now. False: there is no such thing. */
  show(tenant: TenantId, kind: ThingKind, id: string, shown: string): Promise<boolean>;
  get(tenant: TenantId, kind: ThingKind, id: string): Promise<StoredThing | null>;
  list(question: ThingsQuestion): Promise<readonly ListedThing[]>;
  remove(tenant: TenantId, kind: ThingKind, id: string): Promise<boolean>;
  close(): Promise<void>;
}
