import { deathAt, dueAtMs, LONGEST_STREAM_MS, type EchoParams } from './core/params.ts';
import type { Pass, Seen, StreamNote } from './tickets.ts';

/** The far side of one stream of the echo: server-sent events or a WebSocket. */
export interface Sink {
  /** Bytes of an event; `at`: milliseconds since the request came in. */
  event(n: number, at: number): number;
  beat(at: number): number;
  /** Says that all events were sent, and ends as the protocol does. */
  done(count: number): void;
  die(how: 'rst' | 'fin'): void;
  /** Ends at once: a bound was reached. */
  cut(): void;
}

export interface Run {
  readonly params: EchoParams;
  readonly pass: Pass;
  readonly seen: Seen;
  readonly sink: Sink;
  readonly now: () => number;
  readonly mono: () => number;
}

export interface RunningStream {
  /** The socket or the response has closed, whoever did it. */
  closed(): void;
}

/** Sends events by the clock and notes when the origin learns that nobody reads. */
export function runStream({ params, pass, seen, sink, now, mono }: Run): RunningStream {
  const startedAt = mono();
  const { ticket } = pass;
  const note: StreamNote = { id: params.id ?? '', seen, written: 0, endedMs: null, endedBy: null };
  if (params.id !== null) ticket.note(note);
  const age = (): number => mono() - startedAt;
  const death = deathAt(params);
  let n = 0;
  let timer: NodeJS.Timeout | undefined;

  const end = (by: NonNullable<StreamNote['endedBy']>): boolean => {
    if (note.endedBy !== null) return false;
    note.endedBy = by;
    note.endedMs = age();
    clearTimeout(timer);
    clearInterval(beats);
    clearTimeout(limit);
    ticket.gone.signal.removeEventListener('abort', cap);
    pass.release();
    return true;
  };
  const cap = (): void => {
    if (end('cap')) sink.cut();
  };
  const wrote = (bytes: number): boolean => {
    note.written++;
    if (pass.spend(bytes)) return true;
    cap();
    return false;
  };
  const step = (): void => {
    if (n === death) {
      if (end('died')) sink.die(params.die!);
      return;
    }
    if (n === params.count) {
      if (end('done')) sink.done(params.count);
      return;
    }
    if (!wrote(sink.event(n, age()))) return;
    n++;
    // The end follows the last event at once: a hop that holds the last event is told from one that holds the end.
    const due = n === params.count ? 0 : dueAtMs(params, n) - age();
    timer = setTimeout(step, Math.max(0, due));
  };

  ticket.gone.signal.addEventListener('abort', cap, { once: true });
  const limit = setTimeout(cap, Math.min(LONGEST_STREAM_MS, ticket.expiresAt - now()));
  const beats = params.beatMs === 0 ? undefined : setInterval(() => void wrote(sink.beat(age())), params.beatMs);
  // In a turn of its own, so that the head goes out before the first event, as it does from a provider.
  timer = setTimeout(step, 0);
  return { closed: () => void end('client') };
}
