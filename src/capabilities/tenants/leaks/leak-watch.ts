import { randomBytes } from 'node:crypto';
import type { Layer } from '#ports/layer.ts';
import { parseTemplate } from '../layers/core/template.ts';
import { CanaryReader, type Canary } from './core/canaries.ts';
import { holdsRun, LeakDetector, type Leak } from './core/leak-detector.ts';
import { LeakIndex, type ProtectedText } from './core/leak-index.ts';

/** What answers are searched for. */
export interface LeakWatchNow {
  readonly action: 'off' | 'report' | 'stop';
  /** Length of a run that is a leak. */
  readonly words: number;
  /** Literal pieces of tenants' templates. */
  readonly texts: number;
  readonly canaries: number;
}

/** The incident's action in the audit. */
export const LEAK_FOUND = 'leak.found';

export interface LeakSettings {
  readonly action: 'off' | 'report' | 'stop';
  /** Words of a run that is a leak. */
  readonly words: number;
  readonly canaries: Readonly<Record<string, readonly string[]>>;
}

/** An answer to one tenant that held a text of another. */
export interface LeakIncident extends Leak {
  readonly call: string;
  /** Who was answered. */
  readonly tenant: string;
  readonly action: 'report' | 'stop';
}

export interface LeakWatchParts {
  readonly settings: () => LeakSettings;
  /** The same object as long as no layer changes. */
  readonly layersAsOf: () => object;
  readonly layers: () => Iterable<Layer>;
  readonly found: (incident: LeakIncident) => void;
}

/** The call that is answered. */
export interface WatchedCall {
  readonly id: string;
  readonly tenant: string;
  /** What the caller sent: its own words are no leak. */
  readonly sent: unknown;
}

/** What all tenants protect, as keyed fingerprints; and a reader of each answer. The key lives as long as the process. */
export class LeakWatch {
  readonly #parts: LeakWatchParts;
  readonly #key = { a: randomBytes(4).readUInt32LE(), b: randomBytes(4).readUInt32LE() };
  #index: LeakIndex | null = null;
  #asOf: object | null = null;
  /** Incidents so far, by what was done. */
  readonly counts = { report: 0, stop: 0 };

  constructor(parts: LeakWatchParts) {
    this.#parts = parts;
  }

  /** Null: nothing is watched, or nobody else protects anything. */
  reader(call: WatchedCall): AnswerWatch | null {
    const { action, words, canaries } = this.#parts.settings();
    if (action === 'off') return null;
    const others = canariesOfOthers(canaries, call.tenant);
    const index = this.#present();
    if (index.texts === 0 && others.length === 0) return null;
    return new AnswerWatch({ ...{ call, action, words, index, canaries: others }, found: (leak) => this.#found(leak) });
  }

  /** What is watched now. */
  get now(): LeakWatchNow {
    const { action, words, canaries } = this.#parts.settings();
    if (action === 'off') return { action, words, texts: 0, canaries: 0 };
    const count = Object.values(canaries).reduce((sum, { length }) => sum + length, 0);
    return { action, words, texts: this.#present().texts, canaries: count };
  }

  get fingerprints(): number {
    return this.#parts.settings().action === 'off' ? 0 : this.#present().fingerprints;
  }

  #found(incident: LeakIncident): void {
    this.counts[incident.action]++;
    this.#parts.found(incident);
  }

  /** Built anew by the first call after a layer has changed. */
  #present(): LeakIndex {
    const asOf = this.#parts.layersAsOf();
    if (this.#index === null || asOf !== this.#asOf)
      this.#index = new LeakIndex(this.#key, textsOf(this.#parts.layers()));
    this.#asOf = asOf;
    return this.#index;
  }
}

const canariesOfOthers = (all: LeakSettings['canaries'], tenant: string): Canary[] =>
  Object.entries(all).flatMap(([owner, texts]) => (owner === tenant ? [] : texts.map((text) => ({ owner, text }))));

/** Literal pieces of tenants' templates: what stands for a variable is the caller's, and the operator's are everybody's. */
function* textsOf(layers: Iterable<Layer>): Generator<ProtectedText> {
  for (const { id, scope, version, settings } of layers) {
    if (scope.tenant === null || settings.template === null) continue;
    const parts = parseTemplate(settings.template.text);
    if (!parts.ok) continue;
    for (const part of parts.value)
      if ('text' in part) yield { tenant: scope.tenant, name: `${id}@${version}`, text: part.text };
  }
}

interface AnswerParts {
  readonly call: WatchedCall;
  readonly action: 'report' | 'stop';
  readonly words: number;
  readonly index: LeakIndex;
  readonly canaries: readonly Canary[];
  readonly found: (incident: LeakIncident) => void;
}

/** Reads one answer. After its first leak, or once the caller is seen to have sent the words itself, it reads no more. */
export class AnswerWatch {
  readonly #parts: AnswerParts;
  readonly #detector: LeakDetector;
  readonly #canaries: CanaryReader;
  #over = false;
  /** A leak was found, whatever was done then. */
  leaked = false;

  constructor(parts: AnswerParts) {
    this.#parts = parts;
    this.#detector = new LeakDetector(parts.index, parts.call.tenant, parts.words);
    this.#canaries = new CanaryReader(parts.canaries);
  }

  /** A piece of the answer's text. True: it is to end here. */
  push(piece: string): boolean {
    return !this.#over && this.#judge(this.#detector.push(piece) ?? this.#canaries.push(piece));
  }

  /** No piece follows. */
  end(): boolean {
    return !this.#over && this.#judge(this.#detector.end());
  }

  #judge(leak: Leak | null): boolean {
    if (leak === null) return false;
    this.#over = true;
    const { call, action, found } = this.#parts;
    if (this.#wasSent(leak)) return false;
    this.leaked = true;
    found({ ...leak, call: call.id, tenant: call.tenant, action });
    return action === 'stop';
  }

  #wasSent({ text }: Leak): boolean {
    const { call, index, words, canaries } = this.#parts;
    const sent = [...stringsIn(call.sent)].join('\n');
    if (text === CANARY) return new CanaryReader(canaries).push(sent) !== null;
    return holdsRun(index, call.tenant, sent, words);
  }
}

/** What an incident calls a canary: never the canary itself. */
export const CANARY = 'canary';

function* stringsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (value !== null && typeof value === 'object') for (const each of Object.values(value)) yield* stringsIn(each);
}
