import type { Layer } from '#ports/layer.ts';
import type { Effective } from './core/effective.ts';
import { mergeLayers } from './core/merge.ts';
import type { Caller } from '../directory.ts';

/** Layers by id, and what they come to for each key and feature, worked out once. */
export class LayerIndex {
  readonly #layers: ReadonlyMap<string, Layer>;
  /** A caller is made anew when its key, team or tenant changes: a tenant on another plan is another caller. */
  readonly #merged = new WeakMap<Caller, Map<string, Effective | null>>();

  constructor(layers: ReadonlyMap<string, Layer>) {
    this.#layers = layers;
  }

  /** Null: no layer applies. Features are those of the operator's file, so what is kept is bounded by it. */
  of(caller: Caller, feature: string | null): Effective | null {
    if (this.#layers.size === 0) return null;
    let merged = this.#merged.get(caller);
    if (!merged) this.#merged.set(caller, (merged = new Map()));
    // No feature has an empty name.
    const known = merged.get(feature ?? '');
    if (known !== undefined) return known;
    const effective = mergeLayers((id) => this.#layers.get(id), callerOf(caller, feature));
    merged.set(feature ?? '', effective);
    return effective;
  }
}

const callerOf = ({ tenant, key }: Caller, feature: string | null) => ({
  tenant: tenant.id,
  plan: tenant.plan ?? null,
  team: key.team,
  feature,
  key: key.id,
});
