import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seededRng, type Rng } from '#kernel/rng.ts';
import { judgeCloudEvents, judgeLago, judgeWebhook, type Metered } from './forms.ts';

export interface ReceiverOptions {
  readonly port?: number;
  /** Decides which requests fail. */
  readonly seed: number;
  /** Share of requests that are answered with 503, half of them after their events were taken. */
  readonly failures?: number;
  /** Before each answer. */
  readonly delayMs?: number;
  /** Bearer token that is asked for; absent: none. */
  readonly token?: string;
}

/** What stands in for OpenMeter, Lago and a webhook's server: judges the form of what comes and keeps it. */
export interface Receiver {
  readonly url: string;
  /** Each event that was taken, in order; one that came again comes again here. */
  readonly taken: readonly Metered[];
  /** What was wrong with requests. */
  readonly faults: readonly string[];
  readonly requests: number;
  /** From now on every request is answered so; null: as the options say. */
  answer(status: number | null): void;
  close(): Promise<void>;
}

interface State {
  readonly options: ReceiverOptions;
  readonly rng: Rng;
  readonly taken: Metered[];
  readonly faults: string[];
  readonly lagoIds: Set<string>;
  requests: number;
  status: number | null;
}

/** `/api/v1/events` is OpenMeter’s, `/api/v1/events/batch` Lago’s, `/hook` a webhook’s. */
export async function startReceiver(options: ReceiverOptions): Promise<Receiver> {
  const state: State = {
    ...{ options, rng: seededRng(options.seed), taken: [], faults: [] },
    ...{ lagoIds: new Set<string>(), requests: 0, status: null },
  };
  const server = createServer((request, response) => void serve(state, request, response));
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: state.taken,
    faults: state.faults,
    get requests() {
      return state.requests;
    },
    answer: (status) => (state.status = status),
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function serve(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    state.requests += 1;
    if (state.options.delayMs) await new Promise((resolve) => setTimeout(resolve, state.options.delayMs));
    const { status, body } = answerTo(state, request, Buffer.concat(chunks).toString('utf8'));
    response.writeHead(status, { 'content-type': 'application/json' }).end(body);
  } catch (error) {
    state.faults.push(String(error));
    response.destroy();
  }
}

interface Answer {
  readonly status: number;
  readonly body: string;
}

function answerTo(state: State, request: IncomingMessage, text: string): Answer {
  const { token, failures = 0 } = state.options;
  if (state.status !== null) return { status: state.status, body: '{}' };
  if (token !== undefined && request.headers.authorization !== `Bearer ${token}`) return { status: 401, body: '{}' };
  const fails = state.rng.next() < failures;
  // Half of what fails has arrived: the answer alone is lost.
  if (fails && state.rng.next() < 0.5) return { status: 503, body: '{}' };
  const answer = takeIn(state, request, text);
  return fails ? { status: 503, body: '{}' } : answer;
}

function takeIn(state: State, { url, headers }: IncomingMessage, text: string): Answer {
  const judged =
    url === '/api/v1/events'
      ? judgeCloudEvents(headers, text)
      : url === '/api/v1/events/batch'
        ? judgeLago(headers, text)
        : judgeWebhook(headers, text);
  if (typeof judged === 'string') {
    state.faults.push(judged);
    return { status: 400, body: JSON.stringify({ error: judged }) };
  }
  const known = url === '/api/v1/events/batch' ? knownOf(state, judged) : [];
  if (known.length > 0) return lagoRefusal(known);
  state.taken.push(...judged);
  return { status: url === '/api/v1/events' ? 204 : 200, body: '' };
}

/** Lago takes nothing of a batch in which it has an event already. */
function knownOf({ lagoIds }: State, events: readonly Metered[]): number[] {
  const known = events.flatMap(({ id }, place) => (lagoIds.has(id) ? [place] : []));
  if (known.length === 0) for (const { id } of events) lagoIds.add(id);
  return known;
}

const lagoRefusal = (places: readonly number[]): Answer => ({
  status: 422,
  body: JSON.stringify({
    ...{ status: 422, error: 'Unprocessable Entity', code: 'validation_errors' },
    error_details: Object.fromEntries(places.map((place) => [place, { transaction_id: ['value_already_exist'] }])),
  }),
});
