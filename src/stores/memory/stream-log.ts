import type { CallId } from '#kernel/brand.ts';
import { tenantKey, type TenantKey } from '#kernel/whose.ts';
import type { Clock } from '#kernel/clock.ts';
import type {
  StoredEnd,
  StoredPart,
  StreamClaim,
  StreamClaimant,
  StreamEpoch,
  StreamHead,
  StreamLease,
  StreamLog,
  StreamLogBounds,
  StreamOrder,
  StreamRedrive,
  StreamRef,
  Written,
} from '#ports/stream-log.ts';

interface Kept {
  readonly ref: StreamRef;
  head: StreamHead;
  readonly epochs: StreamEpoch[];
  redrive: StreamRedrive | null;
  readonly events: Buffer[];
  fence: number;
  bytes: number;
  end: StoredEnd | null;
  full: boolean;
  until: number;
  expires: number;
  order: StreamOrder | null;
}

/** What gates of one process share: as a server would keep it. */
export class MemoryStreams {
  readonly kept = new Map<TenantKey<'stream'>, Kept>();
  readonly followers = new Map<TenantKey<'stream'>, Set<() => void>>();
  readonly producers = new Map<string, (id: CallId, order: StreamOrder) => void>();
}

export interface MemoryLogOptions {
  readonly shared: MemoryStreams;
  readonly bounds: () => StreamLogBounds;
  readonly clock: Clock;
}

const nameOf = ({ tenant, id }: StreamRef): TenantKey<'stream'> => tenantKey(tenant, 'stream', id);

/** Logs of streams for gates in one process: the fences and leases of the others, and nothing that outlives it. */
export function memoryStreamLog({ shared, bounds, clock }: MemoryLogOptions): StreamLog {
  const own: (() => void)[] = [];
  const find = (ref: StreamRef): Kept | null => {
    const kept = shared.kept.get(nameOf(ref));
    if (kept && clock.mono() <= kept.expires) return kept;
    shared.kept.delete(nameOf(ref));
    return null;
  };
  const changed = (ref: StreamRef): void => {
    for (const follower of shared.followers.get(nameOf(ref)) ?? []) setImmediate(follower);
  };
  const renewed = (kept: Kept): void => {
    kept.until = clock.mono() + bounds().leaseMs;
    kept.expires = kept.until + bounds().keepMs;
  };
  const ended = (ref: StreamRef, kept: Kept, end: StoredEnd): void => {
    kept.end = end;
    kept.redrive = null;
    kept.expires = clock.mono() + bounds().keepMs;
    changed(ref);
  };
  const written = (lease: StreamLease, write: (kept: Kept) => Written): Written => {
    const kept = find(lease);
    if (kept === null) return 'gone';
    return kept.fence !== lease.fence || kept.end || kept.full ? 'fenced' : write(kept);
  };
  const claimed = (ref: StreamRef, kept: Kept, { epoch, producer }: StreamClaimant): StreamClaim => {
    const { request, times } = kept.redrive!;
    kept.fence++;
    kept.head = { ...kept.head, epoch, producer };
    kept.epochs.push({ epoch, from: kept.events.length });
    kept.redrive = times > 1 ? { request, times: times - 1 } : null;
    renewed(kept);
    changed(ref);
    return { lease: { ...ref, fence: kept.fence }, request, left: times - 1 };
  };
  return {
    open: async (ref, head, { redrive = null, epochs = [{ epoch: head.epoch, from: 0 }] } = {}) => {
      const known = find(ref);
      if (known) return known.head.epoch === head.epoch ? { ...ref, fence: known.fence } : 'gone';
      const kept: Kept = {
        ref,
        ...{ head, redrive, epochs: [...epochs], events: [], fence: 1, bytes: 0, end: null, full: false, order: null },
        until: 0,
        expires: 0,
      };
      renewed(kept);
      shared.kept.set(nameOf(ref), kept);
      return { ...ref, fence: 1 };
    },
    append: async (lease, from, events) =>
      written(lease, (kept) => {
        if (kept.events.length !== from) return 'gone';
        kept.bytes += events.reduce((sum, { length }) => sum + length, 0);
        kept.full = kept.bytes > bounds().maxBytes;
        if (kept.full) kept.events.length = 0;
        else kept.events.push(...events);
        renewed(kept);
        changed(lease);
        return kept.full ? 'full' : 'ok';
      }),
    renew: async (lease) => {
      let found: Kept | null = null;
      const said = written(lease, (kept) => {
        renewed((found = kept));
        return 'ok';
      });
      return found === null ? said : { count: (found as Kept).events.length, order: (found as Kept).order };
    },
    finish: async (lease, end) =>
      written(lease, (kept) => {
        ended(lease, kept, end);
        return 'ok';
      }),
    discard: async (lease) =>
      void written(lease, () => {
        shared.kept.delete(nameOf(lease));
        changed(lease);
        return 'ok';
      }),
    read: async (ref, from, most, claimant) => {
      const kept = find(ref);
      if (kept === null) return null;
      let claim: StreamClaim | null = null;
      if (!kept.end && !kept.full && clock.mono() > kept.until) {
        if (kept.redrive && kept.redrive.times > 0 && kept.order === null)
          claim = claimant?.key === kept.head.key ? claimed(ref, kept, claimant) : null;
        else {
          kept.fence++;
          ended(ref, kept, { status: 'interrupted', facts: null });
        }
      }
      return { ...partOf(kept, { from, most, now: clock.mono() }), claim };
    },
    sweep: async (graceMs, most) => {
      const due = [...shared.kept.values()].filter(
        (kept) => !kept.end && !kept.full && clock.mono() > kept.until + graceMs && clock.mono() <= kept.expires,
      );
      for (const kept of due.slice(0, most)) {
        const couldGoOn = kept.redrive !== null && kept.redrive.times > 0 && kept.order === null;
        kept.fence++;
        ended(kept.ref, kept, { status: 'interrupted', facts: null, ...(couldGoOn && { unread: true as const }) });
      }
      return { ended: Math.min(due.length, most), more: most > 0 && due.length > most };
    },
    follow: (ref, take) => {
      const followers = shared.followers.get(nameOf(ref)) ?? new Set();
      shared.followers.set(nameOf(ref), followers.add(take));
      return () => {
        if (followers.delete(take) && followers.size === 0) shared.followers.delete(nameOf(ref));
      };
    },
    order: async (ref, order) => {
      const kept = find(ref);
      if (!kept || kept.end) return false;
      if (order !== 'read') kept.order = order;
      setImmediate(() => shared.producers.get(kept.head.producer)?.(ref.id, order));
      return true;
    },
    serve: (producer, take) => {
      shared.producers.set(producer, take);
      own.push(() => shared.producers.delete(producer));
    },
    up: true,
    close: async () => own.forEach((undo) => undo()),
  };
}

function partOf(
  kept: Kept,
  { from, most, now }: { from: number; most: number; now: number },
): Omit<StoredPart, 'claim'> {
  const { head, epochs, events, end, full, until } = kept;
  const left = end || full ? 0 : Math.max(1, until - now);
  return {
    ...{ head, epochs: [...epochs], end, full, leaseLeftMs: left },
    ...{ events: events.slice(from, from + most), count: events.length },
  };
}
