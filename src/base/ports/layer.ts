import type { EpochMs, TenantId } from '#kernel/brand.ts';
import type { Declaration } from './state-store.ts';

/** From the outside in; what a call says of itself is the innermost and no stored layer. */
export const LAYER_LEVELS = ['operator', 'plan', 'tenant', 'team', 'feature', 'key'] as const;
export type LayerLevel = (typeof LAYER_LEVELS)[number];

/**
 * Whose calls a layer is for. `id` names plan, team, feature or key. `tenant` is null for operator and plan, and for a
 * feature of every tenant.
 */
export interface LayerScope {
  readonly level: LayerLevel;
  readonly tenant: TenantId | null;
  readonly id: string | null;
}

/** A word of a template that is replaced by a text. */
export interface TemplateVariable {
  /** `layers`: this layer and those inside it may give its text; `call`: the caller as well. */
  readonly from: 'layers' | 'call';
  /** Null: a call without a text of its own is refused. */
  readonly default: string | null;
  readonly maxBytes: number;
}

/** Instructions for the model, added to those of the caller. */
export interface LayerTemplate {
  /** With `{{name}}` for each of its variables; `\{{` is two braces. */
  readonly text: string;
  readonly variables: Readonly<Record<string, TemplateVariable>>;
  /** Behind the caller's own instructions, or before them, which changes the key of a provider's prompt cache. */
  readonly place: 'after' | 'before';
}

export const LAYER_PARAMETERS = ['temperature', 'topP', 'maxOutputTokens'] as const;
export type LayerParameter = (typeof LAYER_PARAMETERS)[number];

/** What becomes of one parameter of a call. */
export interface ParameterRule {
  /** Where the call has none. */
  readonly default?: number | undefined;
  /** Whatever the call has. */
  readonly force?: number | undefined;
  /** A larger one is lowered to it; a call that has none gets it. */
  readonly max?: number | undefined;
}

/** Fields that a layer may close to those inside it. Tools and regions only ever become fewer, and isolation more. */
export const LOCKABLE = ['template', 'values', 'aliases', 'parameters', 'ownKeys'] as const;
export type Lockable = (typeof LOCKABLE)[number];

/** What keeps others from telling these calls' prompts by a provider's cache. Each layer can only add to it. */
export interface LayerIsolation {
  /** Prompts begin with the tenant's own line where the cache is shared. */
  readonly preamble?: boolean | undefined;
  /** Answers say nothing of what of their prompt came of a cache. */
  readonly hideCachedTokens?: boolean | undefined;
  /** First tokens go out at multiples of it; the largest of all layers and of the deployment holds. */
  readonly ttftQuantumMs?: number | undefined;
}

export interface LayerSettings {
  readonly template: LayerTemplate | null;
  /** Texts for variables of templates: of its own and of layers outside it. */
  readonly values: Readonly<Record<string, string>>;
  /** Name that a caller asks for, and the model that it means. */
  readonly aliases: Readonly<Record<string, string>>;
  /** Names of tools, exact or with a trailing `*`; null: says nothing of them. */
  readonly tools: readonly string[] | null;
  readonly parameters: Readonly<Partial<Record<LayerParameter, ParameterRule>>>;
  /** Where data may go; null: says nothing of it. */
  readonly regions: readonly string[] | null;
  /** Null: says nothing of it. Absent: the version is older than the field. */
  readonly isolation?: LayerIsolation | null;
  /** Providers that are called with keys of this layer's own; the keys themselves stand in the operator's file alone. */
  readonly ownKeys: readonly string[];
  readonly locks: readonly Lockable[];
}

export interface LayerVersion {
  readonly version: number;
  readonly at: EpochMs;
  readonly author: string;
  readonly settings: LayerSettings;
}

/** One layer of configuration. Each change makes a new version; the last ones before it are kept. */
export interface Layer extends LayerVersion {
  /** Its scope as a text: `tenant:acme`, `feature:acme+search`. */
  readonly id: string;
  readonly scope: LayerScope;
  readonly createdAt: EpochMs;
  /** Newest first. */
  readonly history: readonly LayerVersion[];
  readonly declared?: Declaration;
}
