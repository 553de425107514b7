import { z } from 'zod';
import type { CallId, EpochMs } from '#kernel/brand.ts';
import { iso } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { concerns } from '#kernel/whose.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { STREAM_DIMENSIONS, type StreamDimension } from '#ports/stream-sums.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import { streamsReport } from '#capabilities/streams/routes.ts';
import { duration, limit, route, time, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { Gate } from '../gate.ts';
import { noted } from './noted.ts';

interface StreamParts {
  readonly gate: Gate;
  readonly ledger: LedgerStore;
}

const DAY_MS = 86_400_000;
const name = z.string().max(256).optional();

/** A stream that goes on, as the list of them shows it. */
export interface LiveStreamView {
  readonly id: CallId;
  readonly tenant: string;
  readonly key: string;
  readonly model: string;
  readonly feature: string | null;
  readonly client: string | null;
  readonly protocol: string;
  readonly dialect: string;
  readonly startedAt: string;
  readonly ageMs: number;
  readonly events: number;
  readonly logBytes: number;
  readonly readers: number;
  /** Readers that came back. */
  readonly resumes: number;
  /** False: it ends with its reader. */
  readonly resumable: boolean;
}

export interface LiveStreamsView {
  readonly report: 'streams_live';
  readonly at: string;
  /** The oldest first. */
  readonly streams: readonly LiveStreamView[];
  /** Streams with a log that the list leaves out. */
  readonly leftOut: number;
  /** Calls in flight of any kind, those without a log included; null for a tenant's own token. */
  readonly callsInFlight: number | null;
  /** Of all logs that are kept; for a tenant's own token of its streams that go on. */
  readonly logBytes: number;
}

/** The report of streams, those that go on now, and the operator's cancel. */
export const streamRoutes = ({ gate, ledger }: StreamParts): AdminRoute[] => [
  route('GET /admin/streams/report', {
    tag: 'streams',
    summary: 'Streams by how they ended, what was paid in vain, and what to do next',
    query: z.strictObject({
      since: duration(3_660 * DAY_MS)
        .optional()
        .describe('Window that ends now: 24h, 7d. Default 24h where `from` is absent.'),
      from: z.coerce.number().int().optional().or(time.optional()),
      to: z.coerce.number().int().optional().or(time.optional()),
      by: z
        .string()
        .max(128)
        .default('protocol')
        .describe(`Dimensions, divided by commas: ${STREAM_DIMENSIONS.join(', ')}.`),
      limit: limit(1_000, 50),
      ...{
        environment: name,
        tenant: name,
        feature: name,
        model: name,
        deployment: name,
        protocol: name,
        client: name,
      },
    }),
    run: async (_, { since, from, to, by, limit: most, tenant: _named, ...filters }, { whose }) => {
      // What was admitted in this millisecond belongs to a window that ends now.
      const end = to ?? gate.clock.now() + 1;
      const window = { from: (from ?? end - (since ?? DAY_MS)) as EpochMs, to: end as EpochMs };
      const given = Object.fromEntries(Object.entries(filters).filter(([, value]) => value !== undefined));
      const question = { ...given, ...window, whose, by: dimensionsOf(by) };
      return streamsReport({ question, answer: await ledger.streams(question), most });
    },
  }),
  route('GET /admin/streams', {
    tag: 'streams',
    summary: 'Streams of this process that go on and have a log, the oldest first',
    query: z.strictObject({ limit: limit(1_000, 100), tenant: name }),
    run: async (_, { limit: most }, { whose, tenant }): Promise<LiveStreamsView> => {
      const now = gate.clock.now();
      const running = [...gate.streams.running()].filter(({ owner }) => concerns(whose, owner.tenant));
      return {
        report: 'streams_live',
        at: iso(now),
        streams: running.slice(0, most).map((stream) => viewOf(stream, now)),
        leftOut: Math.max(0, running.length - most),
        ...(tenant !== null
          ? { callsInFlight: null, logBytes: running.reduce((sum, { bytes }) => sum + bytes, 0) }
          : { callsInFlight: gate.meter.inFlight, logBytes: gate.streams.bytes() }),
      };
    },
  }),
  route('POST /admin/streams/:call/cancel', {
    tag: 'streams',
    summary: 'End a live stream: its provider is told at once, and its entry says that an operator did it',
    run: async ({ call }, _, { actor }) => {
      const stream = [...gate.streams.running()].find(({ id }) => id === call);
      if (!stream)
        throw new HeadgateError('not_found', {
          message: `There is no live stream \`${call!.slice(0, 128)}\` in this process.`,
        });
      const { events, owner } = stream;
      await noted(gate, {
        ...{ actor, action: 'stream.cancel', subject: stream.id },
        ...{ tenant: owner.tenant, detail: { events } },
      });
      stream.cancel('operator');
      return viewOf(stream, gate.clock.now());
    },
  }),
];

function dimensionsOf(by: string): readonly StreamDimension[] {
  const asked = by === '' ? [] : by.split(',');
  const unknown = asked.find((one) => !(STREAM_DIMENSIONS as readonly string[]).includes(one));
  if (unknown === undefined) return asked as StreamDimension[];
  throw new HeadgateError('invalid_request', {
    field: 'by',
    message: `\`${unknown.slice(0, 64)}\` is no dimension of streams: ${STREAM_DIMENSIONS.join(', ')}.`,
  });
}

const viewOf = (stream: LiveStream, now: number): LiveStreamView => ({
  id: stream.id,
  tenant: stream.owner.tenant,
  key: stream.owner.key,
  ...{ model: stream.about.model, feature: stream.about.feature, client: stream.about.client },
  ...{ protocol: stream.about.protocol, dialect: stream.dialect },
  startedAt: iso(stream.about.startedAt),
  ageMs: now - stream.about.startedAt,
  ...{ events: stream.events, logBytes: stream.bytes, readers: stream.readers, resumes: stream.resumes },
  resumable: stream.resumable,
});
