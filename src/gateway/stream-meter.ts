import type { DiedStream } from '#ports/died-stream.ts';
import type { LedgerEntry, Protocol } from '#ports/entry.ts';
import { endingOf, type StreamEnding } from '#ports/stream-sums.ts';
import { family, labels, type Sample } from './exposition.ts';
import type { Gate } from './gate.ts';

/** How streams ended, by protocol: both are closed sets. */
export class StreamMeter {
  readonly #ends = new Map<Protocol, Map<StreamEnding, number>>();

  settled(entry: LedgerEntry): void {
    if (entry.stream) this.#add(entry.protocol, endingOf(entry), 1);
  }

  /** Streams of a process that died, which this one has settled. */
  died(streams: readonly Pick<DiedStream, 'protocol'>[]): void {
    for (const { protocol } of streams) this.#add(protocol, 'interrupted', 1);
  }

  #add(protocol: Protocol, ending: StreamEnding, count: number): void {
    let ends = this.#ends.get(protocol);
    if (!ends) this.#ends.set(protocol, (ends = new Map()));
    ends.set(ending, (ends.get(ending) ?? 0) + count);
  }

  samples(): Sample[] {
    return [...this.#ends].flatMap(([protocol, ends]) =>
      [...ends].map(([ending, count]): Sample => [labels({ ending, protocol }), count]),
    );
  }
}

/** Families of streams: how they ended, and the logs of those that can be read again. */
export function streamFamilies({ meter, streams }: Gate): string[] {
  const one = (name: string, type: 'counter' | 'gauge', help: string, value: number): string[] =>
    family(name, type, help, [['', value]]);
  return [
    ...family('headgate_streams_total', 'counter', 'Settled streams by how they ended.', meter.streams.samples()),
    ...one('headgate_streams_live', 'gauge', 'Streams with a log that go on.', streams.live),
    ...one('headgate_stream_readers', 'gauge', 'Connections that read a log, finished ones too.', streams.readers()),
    ...one('headgate_stream_log_bytes', 'gauge', 'Memory of all logs of streams.', streams.bytes()),
    ...one('headgate_stream_logs_finished', 'gauge', 'Logs that are kept after their end.', streams.finished),
    ...one(
      'headgate_stream_logs_dropped_total',
      'counter',
      'Finished logs that were let go before their time, for want of room.',
      streams.dropped,
    ),
    ...one(
      'headgate_streams_unkept_total',
      'counter',
      'Streams that were opened without a log, for want of room.',
      streams.unkept,
    ),
    ...one('headgate_stream_resumes_total', 'counter', 'Readers that came back.', streams.resumes),
    ...one(
      'headgate_stream_slow_readers_total',
      'counter',
      'Readers that were let go because they took too little.',
      streams.slowReaders,
    ),
  ];
}
