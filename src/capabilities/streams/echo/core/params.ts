/** What a caller may ask of the echo, within bounds. Pure. */

export const ECHO_PATH = '/v1/headgate/echo';
/** A method below the service of calls: hops that pass gRPC by its path pass this as well. It is in no `.proto`. */
export const GRPC_ECHO_PATH = '/headgate.v1.Headgate/Echo';
/** Carries a ticket; a query may too (`ticket=`), for clients that cannot set headers. */
export const TICKET_HEADER = 'x-headgate-echo-ticket';

/** How the origin dies half-way through a stream: a reset, or an orderly end of TCP without the end of HTTP. */
export type Death = 'rst' | 'fin';

export interface EchoParams {
  /** Under which the caller asks later what the origin saw; null: not asked for. */
  readonly id: string | null;
  readonly count: number;
  readonly everyMs: number;
  /** Bytes of padding in each event. */
  readonly sizeBytes: number;
  /** Silence after the first event. */
  readonly gapMs: number;
  /** A heartbeat is written this often; 0: never. */
  readonly beatMs: number;
  readonly die: Death | null;
  /** Sends `x-accel-buffering: no`. */
  readonly accelNo: boolean;
  /** Sends `cache-control: no-transform`. */
  readonly noTransform: boolean;
  /** Sends `content-encoding: identity`. */
  readonly identity: boolean;
}

/** Bounds of the numbers, as the query names them. A gap may be as long as any balancer's usual idle time. */
const NUMBERS = {
  count: { key: 'count', least: 1, most: 1_000, usual: 10 },
  every: { key: 'everyMs', least: 0, most: 60_000, usual: 200 },
  size: { key: 'sizeBytes', least: 0, most: 65_536, usual: 0 },
  gap: { key: 'gapMs', least: 0, most: 600_000, usual: 0 },
  beat: { key: 'beatMs', least: 0, most: 60_000, usual: 0 },
} as const;

const ID = /^[\w-]{1,64}$/;
/** A beat more often than this is a flood. */
const LEAST_BEAT_MS = 100;
/** No stream of the echo is longer, whatever its numbers say. */
export const LONGEST_STREAM_MS = 660_000;

/** The parameters, or the name of the first that is wrong. */
export function echoParams(query: URLSearchParams): EchoParams | { readonly wrong: string } {
  const numbers: Record<string, number> = {};
  for (const [name, { key, least, most, usual }] of Object.entries(NUMBERS)) {
    const text = query.get(name);
    const value = text === null ? usual : /^\d{1,7}$/.test(text) ? Number(text) : NaN;
    if (!(value >= least && value <= most)) return { wrong: name };
    numbers[key] = value;
  }
  const [id, die] = [query.get('id'), query.get('die')];
  if (id !== null && !ID.test(id)) return { wrong: 'id' };
  if (die !== null && die !== 'rst' && die !== 'fin') return { wrong: 'die' };
  if (numbers['beatMs']! > 0 && numbers['beatMs']! < LEAST_BEAT_MS) return { wrong: 'beat' };
  const params: EchoParams = {
    ...(numbers as Pick<EchoParams, 'count' | 'everyMs' | 'sizeBytes' | 'gapMs' | 'beatMs'>),
    ...{ id, die, accelNo: query.has('accel-no'), noTransform: query.has('no-transform') },
    identity: query.has('identity'),
  };
  return lastAtMs(params) > LONGEST_STREAM_MS ? { wrong: 'every' } : params;
}

type Pace = Pick<EchoParams, 'count' | 'everyMs' | 'gapMs'>;

/** When event `n` (from 0) is due, in milliseconds from the start: the first at once, the second after the gap. */
export const dueAtMs = ({ everyMs, gapMs }: Pace, n: number): number =>
  n === 0 ? 0 : Math.max(everyMs, gapMs) + (n - 1) * everyMs;

export const lastAtMs = (pace: Pace): number => dueAtMs(pace, pace.count - 1);

/** An origin that is to die does so in the place of this event. */
export const deathAt = ({ count, die }: Pick<EchoParams, 'count' | 'die'>): number | null =>
  die === null ? null : Math.ceil(count / 2);
