import type { IncomingHttpHeaders } from 'node:http';
import { HeadgateError } from '#kernel/errors.ts';
import { openaiErrorBody } from '#kernel/error-render.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { Gate } from '../gate.ts';
import { asHeadgateError } from '../refuse.ts';
import type { Conversation } from './accept.ts';
import { expanded, readCreate, tagged, type CreateMessage, type Remembered } from './create-message.ts';
import type { Line } from './line.ts';
import { limitsOf } from './limits.ts';
import { ResponseRun } from './response-run.ts';

/** Responses of one `stream_id` (or of none) come one after the other, as the API has it. */
interface Lane {
  readonly waiting: CreateMessage[];
  running: ResponseRun | null;
  /** Of the last response that no provider keeps. */
  last: Remembered | null;
}

/** Messages that wait for the response before them. */
const MOST_WAITING = 16;

/** OpenAI's WebSocket mode of the Responses API on one socket: `response.create` in, the API's events out. */
export class ResponsesSocket implements Conversation {
  readonly #gate: Gate;
  readonly #line: Line;
  readonly #headers: IncomingHttpHeaders;
  readonly #lanes = new Map<string, Lane>();
  #draining: (() => void) | null = null;

  constructor(gate: Gate, line: Line, headers: IncomingHttpHeaders) {
    this.#gate = gate;
    this.#line = line;
    this.#headers = headers;
  }

  message(bytes: Buffer): void {
    let streamId: string | null = null;
    try {
      const create = readCreate(bytes);
      ({ streamId } = create);
      const lane = this.#lane(streamId);
      if (lane.waiting.length >= MOST_WAITING)
        throw new HeadgateError('rate_limited', { message: `${MOST_WAITING} responses wait on this socket already.` });
      lane.waiting.push(create);
      this.#next(lane);
    } catch (thrown) {
      this.#refuse(streamId, asHeadgateError(thrown));
    }
  }

  closed(): void {
    for (const lane of this.#lanes.values()) {
      lane.waiting.length = 0;
      lane.running?.leave();
    }
    this.#lanes.clear();
  }

  drain(idle: () => void): void {
    this.#draining = idle;
    this.#whenIdle();
  }

  #lane(streamId: string | null): Lane {
    const found = this.#lanes.get(streamId ?? '');
    if (found) return found;
    if (this.#lanes.size >= limitsOf(this.#gate).streamsPerSocket)
      throw new HeadgateError('rate_limited', {
        message: `This socket has ${this.#lanes.size} streams, the most that it may have.`,
      });
    const lane: Lane = { waiting: [], running: null, last: null };
    this.#lanes.set(streamId ?? '', lane);
    return lane;
  }

  #next(lane: Lane): void {
    if (lane.running) return;
    const create = lane.waiting.shift();
    if (!create) return this.#whenIdle();
    const before = create.previous === null ? null : this.#remembered(create.previous);
    if (before === null && create.previous !== null && !create.store) return this.#unknown(lane, create);
    if (!create.generate) return this.#warmUp(lane, create, before);
    const run = new ResponseRun({
      ...{ gate: this.#gate, line: this.#line, headers: this.#headers, streamId: create.streamId },
      body: before ? expanded(create, before) : create.body,
      // What a provider keeps is gone on from there; the rest is remembered as long as the socket is open.
      keeps: !create.store,
      done: (said) => this.#done(lane, create, before, said),
    });
    lane.running = run;
    run.start();
  }

  #done(lane: Lane, create: CreateMessage, before: Remembered | null, said: Remembered | null): void {
    lane.running = null;
    lane.last = said && this.#bounded(said.id, [before?.items, create.items, said.items]);
    this.#next(lane);
  }

  #bounded(id: string, parts: readonly (string | undefined)[]): Remembered | null {
    const items = parts.filter(Boolean).join(',');
    return items.length > limitsOf(this.#gate).frameBytes ? null : { id, items };
  }

  /** Any lane may go on from the last response of another. */
  #remembered(id: string): Remembered | null {
    for (const { last } of this.#lanes.values()) if (last?.id === id) return last;
    return null;
  }

  /** Codex opens its conversation so: an answer without output, and nothing is asked of a provider. */
  #warmUp(lane: Lane, create: CreateMessage, before: Remembered | null): void {
    const { clock, rng } = this.#gate;
    const id = timeOrderedId('resp_', clock.now(), rng);
    lane.last = this.#bounded(id, [before?.items, create.items]);
    const usage = { input_tokens: 0, output_tokens: 0, total_tokens: 0 };
    const response = {
      ...{ id, object: 'response', created_at: Math.floor(clock.now() / 1_000), model: create.model },
      ...{ background: false, error: null, incomplete_details: null, output: [], store: create.store },
    };
    const send = (type: string, sequence_number: number, more: object): unknown =>
      this.#line.send(
        tagged(JSON.stringify({ type, sequence_number, response: { ...response, ...more } }), create.streamId),
      );
    send('response.created', 0, { status: 'in_progress', usage: null });
    send('response.completed', 1, { status: 'completed', usage });
    this.#next(lane);
  }

  #unknown(lane: Lane, { previous, streamId }: CreateMessage): void {
    const message = `Previous response with id '${previous}' not found.`;
    const error = {
      type: 'invalid_request_error',
      code: 'previous_response_not_found',
      message,
      param: 'previous_response_id',
    };
    this.#line.send(tagged(JSON.stringify({ type: 'error', status: 400, error }), streamId));
    this.#next(lane);
  }

  #refuse(streamId: string | null, error: HeadgateError): void {
    const body = JSON.stringify({ type: 'error', status: error.row.status, ...openaiErrorBody(error) });
    this.#line.send(tagged(body, streamId));
  }

  #whenIdle(): void {
    const busy = [...this.#lanes.values()].some(({ running, waiting }) => running || waiting.length > 0);
    if (!busy) this.#draining?.();
  }
}
