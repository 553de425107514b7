import type { CallId, EpochMs } from '#kernel/brand.ts';
import { err, ok, type Result } from '#kernel/result.ts';
import { keyPart, partsOf } from '#kernel/whose.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type {
  ClaimReach,
  ClaimRefusal,
  IdempotencyName,
  KeyClaim,
  KeyState,
  SharedKeys,
  WholeAnswer,
} from '#ports/idempotency.ts';
import { AWAY, type Subscriptions } from './connection.ts';
import { NAME_SCRIPTS } from './name-scripts.ts';
import type { Scripts } from './open-connection.ts';
import { Owed } from './owed.ts';

export interface SharedKeyBounds {
  /** How long a key is remembered, in milliseconds. */
  readonly rememberMs: number;
  /** Of one API key. */
  readonly ofOwner: number;
  /** An answer in one piece is kept for so long, in milliseconds. */
  readonly keepMs: number;
}

export interface ValkeyKeysParts {
  readonly connection: Pick<Scripts, 'run'>;
  readonly subscriptions: Pick<Subscriptions, 'subscribe'>;
  /** Of this process among the gates. */
  readonly gate: string;
  /** A gate that says nothing for so long is taken for dead, in milliseconds. */
  readonly leaseMs: number;
  readonly bounds: () => SharedKeyBounds;
  /** Unix milliseconds, for how old a claim is that is told late. */
  readonly now: () => EpochMs;
}

/** A gate says so many times within its lease that it lives. */
const RENEWALS = 3;
/** Whoever waits looks more often than that. */
const RELEASED_MS = 60_000;
/** Of what an away server is to be told later: as many calls end in an outage of minutes. */
const MOST_OWED = { count: 10_000, bytes: 16 * 1024 * 1024 };

const CHANNEL = 'headgate:once:';
/** None has this name, and none lives by it. */
const NO_GATE = '';
const lifeKey = (gate: string): string => `headgate:{gate:${gate}}:lives`;

/** Facts and answer of a key, both under its tenant's tag. */
function keysOf(name: IdempotencyName): readonly [facts: string, answer: string] {
  const { tenant, id } = partsOf(name);
  const facts = `headgate:{${keyPart(tenant ?? '')}}:once:${keyPart(id[0]!)}`;
  return [facts, `${facts}:answer`];
}

const claimsOf = (name: IdempotencyName, owner: string): string =>
  `headgate:{${keyPart(partsOf(name).tenant ?? '')}}:once-of:${keyPart(owner)}`;

/** Idempotency keys in Valkey or Redis, for all gates on it. */
export class ValkeyIdempotencyKeys implements SharedKeys {
  readonly #parts: ValkeyKeysParts;
  readonly #owed = new Owed(MOST_OWED);
  readonly #backs: (() => void)[] = [];
  readonly #beat: NodeJS.Timeout;

  constructor(parts: ValkeyKeysParts) {
    this.#parts = parts;
    this.#beat = setInterval(() => this.#live(), parts.leaseMs / RENEWALS).unref();
    this.#live();
  }

  async claim({ name, owner, use }: KeyClaim, made = true): Promise<Result<ClaimReach, ClaimRefusal | 'away'>> {
    const { gate, bounds, now } = this.#parts;
    const { rememberMs, ofOwner } = bounds();
    const leftMs = Math.max(1, Math.min(rememberMs, use.at + rememberMs - now()));
    const args = [
      use.call,
      use.request,
      String(use.at),
      made ? gate : NO_GATE,
      ...[leftMs, rememberMs, ofOwner].map(String),
    ];
    const said = await this.#run('claim', [keysOf(name)[0], claimsOf(name, owner)], args);
    if (said === 1) return ok('whole');
    if (said === 0) return err('full');
    if (!Array.isArray(said)) return err('away');
    const [call, request, at] = said.map(String);
    return err({ earlier: { call: call as CallId, request: request!, at: Number(at) as EpochMs } });
  }

  release(name: IdempotencyName, call: CallId): Promise<void> {
    return this.#surely('release', name, [call, String(RELEASED_MS)]);
  }

  begun(name: IdempotencyName, call: CallId, answer: 'stream' | WholeAnswer | null): Promise<void> {
    if (answer === 'stream') return this.#surely('tell', name, [call, 'begun', 'stream']);
    const kept = answer === null ? [] : [bytesOf(answer), String(this.#parts.bounds().keepMs)];
    return this.#surely('tell', name, [call, 'begun', 'whole', ...kept]);
  }

  ended(name: IdempotencyName, call: CallId, status: OutcomeStatus): Promise<void> {
    return this.#surely('tell', name, [call, 'status', status]);
  }

  async state(name: IdempotencyName): Promise<KeyState | 'released' | 'lost' | 'away'> {
    const said = await this.#run('state', keysOf(name), []);
    if (said === AWAY) return 'away';
    if (!Array.isArray(said)) return String(said) === 'released' ? 'released' : 'lost';
    const [call, gate, begun, status] = said.slice(0, 4).map(String);
    return {
      ...{ call: call as CallId, gate: gate! },
      begun: (begun || null) as KeyState['begun'],
      status: (status || null) as OutcomeStatus | null,
      answer: answerOf(said[4] as Buffer),
    };
  }

  async lives(gate: string): Promise<boolean | 'away'> {
    const said = await this.#run('lives', [lifeKey(gate)], []);
    return said === AWAY ? 'away' : said === 1;
  }

  follow(name: IdempotencyName, changed: () => void): () => void {
    return this.#parts.subscriptions.subscribe(keysOf(name)[0], changed, changed);
  }

  async want(name: IdempotencyName, gate: string, call: CallId): Promise<void> {
    await this.#run('want', [keysOf(name)[0]], [CHANNEL + gate, call]);
  }

  serve(wanted: (call: CallId) => void): void {
    this.#parts.subscriptions.subscribe(CHANNEL + this.#parts.gate, (call) => wanted(call as CallId));
  }

  onBack(back: () => void): void {
    this.#backs.push(back);
  }

  /** The server answers again: it is told what it does not know. */
  back(): void {
    this.#live();
    for (const back of this.#backs) back();
    this.#owed.pay();
  }

  close(): void {
    clearInterval(this.#beat);
  }

  #live(): void {
    void this.#run('live', [lifeKey(this.#parts.gate)], [String(this.#parts.leaseMs)]);
  }

  async #surely(script: 'release' | 'tell', name: IdempotencyName, args: readonly (string | Buffer)[]): Promise<void> {
    if ((await this.#run(script, keysOf(name), args)) !== AWAY) return;
    const bytes = args.reduce((sum, arg) => sum + arg.length, 0);
    this.#owed.add(bytes, () => void this.#surely(script, name, args));
  }

  #run(script: keyof typeof NAME_SCRIPTS, keys: readonly string[], args: readonly (string | Buffer)[]) {
    return this.#parts.connection.run(NAME_SCRIPTS[script], keys, args);
  }
}

const NEWLINE = 10;

/** The head as a line of JSON, and the body behind it. */
const bytesOf = ({ status, headers, body }: WholeAnswer): Buffer =>
  Buffer.concat([Buffer.from(`${JSON.stringify({ status, headers })}\n`), body]);

function answerOf(bytes: Buffer): WholeAnswer | null {
  if (bytes.length === 0) return null;
  const end = bytes.indexOf(NEWLINE);
  const head = JSON.parse(bytes.toString('utf8', 0, end)) as Omit<WholeAnswer, 'body'>;
  return { ...head, body: bytes.subarray(end + 1) };
}
