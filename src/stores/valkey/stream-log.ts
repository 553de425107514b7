import type { CallId, KeyId } from '#kernel/brand.ts';
import { keyPart } from '#kernel/whose.ts';
import type { OutcomeStatus } from '#ports/entry.ts';
import type {
  StoredEnd,
  StoredPart,
  StreamClaim,
  StreamEpoch,
  StreamLease,
  StreamLog,
  StreamLogBounds,
  StreamOrder,
  StreamRef,
  Written,
} from '#ports/stream-log.ts';
import { AWAY, Subscriptions, type ValkeyAddress } from './connection.ts';
import { openConnection } from './open-connection.ts';
import { openAtOne, OpenInCluster } from './open-streams.ts';
import { SCRIPTS } from './scripts.ts';

export interface ValkeyLogOptions extends ValkeyAddress {
  readonly bounds: () => StreamLogBounds;
  /** The server answers, or does no more, and why. */
  readonly onChange?: (up: boolean, why: string | null) => void;
}

const PRODUCER = 'headgate:gate:';

/** The keys of a stream: its facts and its events. Braces keep them on one server, with their tenant's others. */
export const keysOf = ({ tenant, id }: StreamRef): readonly [facts: string, events: string] => {
  const name = `headgate:{${keyPart(tenant)}}:stream:${keyPart(id)}`;
  return [name, `${name}:events`];
};

/** A stream's name among all. */
const memberOf = ({ tenant, id }: StreamRef): string => JSON.stringify([tenant, id]);
function refOf(member: Buffer): StreamRef {
  const [tenant, id] = JSON.parse(member.toString()) as [StreamRef['tenant'], StreamRef['id']];
  return { tenant, id };
}

/** Logs of streams in Valkey or Redis, which do everything here alike. */
export function valkeyStreamLog({ bounds, onChange, ...address }: ValkeyLogOptions): StreamLog {
  const connection = openConnection(address, onChange ?? (() => undefined), SCRIPTS);
  const subscriptions = new Subscriptions(address);
  const lifeMs = (): string => String(bounds().leaseMs + bounds().keepMs);
  const leaseMs = (): string => String(bounds().leaseMs);
  const keepMs = (): string => String(bounds().keepMs);
  const parts = { connection, leaseMs: () => bounds().leaseMs, lifeMs: () => bounds().leaseMs + bounds().keepMs };
  const goingOn = address.cluster ? new OpenInCluster(parts) : openAtOne(parts);
  const keys = (ref: StreamRef): readonly string[] => [...keysOf(ref), goingOn.keyOf(ref.tenant)];
  const write = async (script: keyof typeof SCRIPTS, lease: StreamLease, args: readonly (string | Buffer)[]) =>
    writtenOf(await connection.run(SCRIPTS[script], keys(lease), [String(lease.fence), ...args]));
  return {
    open: async (ref, { key, epoch, producer, about }, { redrive = null, epochs = [{ epoch, from: 0 }] } = {}) => {
      const kept = [redrive === null ? '0' : String(redrive.times), redrive?.request ?? ''];
      const args = [leaseMs(), lifeMs(), key, epoch, producer, about, epochsText(epochs), ...kept, memberOf(ref)];
      const fence = await connection.run(SCRIPTS.open, keys(ref), args);
      if (fence === AWAY) return 'away';
      if (fence === 0) return 'gone';
      goingOn.noted(ref.tenant);
      return { ...ref, fence: Number(fence) };
    },
    append: (lease, from, events) =>
      write('append', lease, [String(from), leaseMs(), lifeMs(), String(bounds().maxBytes), ...events]),
    renew: async (lease) => {
      const args = [String(lease.fence), leaseMs(), lifeMs(), memberOf(lease)];
      const said = await connection.run(SCRIPTS.renew, keys(lease), args);
      if (!Array.isArray(said)) return writtenOf(said);
      goingOn.noted(lease.tenant);
      return { count: Number(said[0]), order: (String(said[1]) || null) as StreamOrder | null };
    },
    finish: (lease, { status, facts }) => write('finish', lease, [keepMs(), status, facts ?? '', memberOf(lease)]),
    discard: async (lease) => void (await write('discard', lease, [memberOf(lease)])),
    read: async (ref, from, most, claimant) => {
      const who = claimant ? [claimant.key, claimant.epoch, claimant.producer, leaseMs(), lifeMs()] : NOBODY;
      const args = [String(from), String(most), keepMs(), ...who, memberOf(ref)];
      const said = await connection.run(SCRIPTS.read, keys(ref), args);
      return said === AWAY ? 'away' : Array.isArray(said) ? partOf(ref, said) : null;
    },
    sweep: async (graceMs, most) => {
      const due = await goingOn.due(graceMs, most);
      if (due === 'away') return 'away';
      const said = await Promise.all(
        due.map((member) =>
          connection.run(SCRIPTS.endUnread, keys(refOf(member)), [String(graceMs), keepMs(), member]),
        ),
      );
      return { ended: said.filter((one) => one === 1).length, more: most > 0 && due.length === most };
    },
    follow: (ref, changed) => subscriptions.subscribe(keysOf(ref)[0], changed, changed),
    order: async (ref, order) => (await connection.run(SCRIPTS.order, keysOf(ref), [order, ref.id, PRODUCER])) === 1,
    serve: (producer, take) =>
      void subscriptions.subscribe(PRODUCER + producer, (message) => {
        const [order, id] = message.split(' ');
        take(id as CallId, order as StreamOrder);
      }),
    get up() {
      return connection.up;
    },
    close: async () => {
      subscriptions.close();
      await connection.close();
    },
  };
}

/** No key is empty. */
const NOBODY: readonly string[] = ['', '', '', '0', '0'];

const epochsText = (epochs: readonly StreamEpoch[]): string =>
  epochs.map(({ epoch, from }) => `${epoch}:${from}`).join(' ');

const epochsOf = (text: string): StreamEpoch[] =>
  text.split(' ').map((each) => {
    const [epoch, from] = each.split(':');
    return { epoch: epoch!, from: Number(from) };
  });

const WRITTEN: ReadonlySet<string> = new Set(['ok', 'fenced', 'gone', 'full']);

function writtenOf(said: unknown): Written {
  const text = said === AWAY ? 'away' : String(said);
  return WRITTEN.has(text) ? (text as Written) : 'away';
}

function claimOf(ref: StreamRef, [fence, left, request]: unknown[]): StreamClaim | null {
  if (fence === undefined) return null;
  const { tenant, id } = ref;
  return { lease: { tenant, id, fence: Number(fence) }, request: request as Buffer, left: Number(left) };
}

const endOf = (status: string, facts: string, unread: string): StoredEnd => ({
  ...{ status: status as OutcomeStatus, facts: facts || null },
  ...(unread !== '' && { unread: true }),
});

function partOf(ref: StreamRef, said: unknown[]): StoredPart {
  const [state, count, key, epoch, producer, about, status, facts, left, epochs] = said.slice(0, 10).map(String);
  return {
    head: { key: key as KeyId, epoch: epoch!, producer: producer!, about: about! },
    events: said[10] as Buffer[],
    count: Number(count),
    epochs: epochsOf(epochs!),
    claim: claimOf(ref, said[11] as unknown[]),
    end: state === 'ended' ? endOf(status!, facts!, String(said[12])) : null,
    full: state === 'full',
    leaseLeftMs: Number(left),
  };
}
