import type { LayerParameter, LayerTemplate, Lockable } from '#ports/layer.ts';
import type { TemplatePart } from './template.ts';

/** A value and the version of the layer that set it: `tenant:acme@3`. */
export interface Setting<T> {
  readonly value: T;
  readonly by: string;
}

/** A variable that the call may still give a text; null: the template has one already, or the call is refused. */
export interface OpenVariable {
  readonly default: string | null;
  readonly maxBytes: number;
}

/** A template with every text in it that its layers give. */
export interface BoundTemplate {
  readonly by: string;
  readonly place: LayerTemplate['place'];
  /** Names that are left are variables of the call. */
  readonly parts: readonly TemplatePart[];
  readonly open: ReadonlyMap<string, OpenVariable>;
  /** Variables by the layer that gave each its text; null: nobody did. */
  readonly bound: ReadonlyMap<string, string | null>;
}

/** What a layer says and an outer one has closed. */
export interface Overruled {
  readonly by: string;
  readonly field: Lockable;
  readonly lockedBy: string;
}

/** Limits of one parameter over all layers. */
export interface EffectiveParameter {
  readonly default: Setting<number> | null;
  readonly force: Setting<number> | null;
  readonly max: Setting<number> | null;
}

/** The strictest of all layers, each part with the first that says it. */
export interface EffectiveIsolation {
  readonly preamble: Setting<true> | null;
  readonly hideCachedTokens: Setting<true> | null;
  readonly ttftQuantumMs: Setting<number> | null;
}

/** All layers of a call as one. It is made once for a key and a feature, and is the same for each of their calls. */
export interface Effective {
  /** Versions of the layers that apply, from the outside in. */
  readonly layers: readonly string[];
  readonly templates: readonly BoundTemplate[];
  /** Why no call can be made: a template lacks a text. */
  readonly broken: string | null;
  readonly aliases: ReadonlyMap<string, Setting<string>>;
  /** A tool must be on each of these lists. */
  readonly tools: readonly Setting<readonly string[]>[];
  readonly parameters: ReadonlyMap<LayerParameter, EffectiveParameter>;
  /** Null: anywhere. */
  readonly regions: Setting<readonly string[]> | null;
  /** What the layers add to what keeps prompts apart; null: nothing. */
  readonly isolation: EffectiveIsolation | null;
  /** By provider: where the file declares the layer whose key it is called with. */
  readonly ownKeys: ReadonlyMap<string, Setting<string>>;
  readonly locks: ReadonlyMap<Lockable, string>;
  readonly overruled: readonly Overruled[];
  /** Names the templates by what they say, before any value of a call; null: there are none. */
  readonly templateHash: string | null;
}
