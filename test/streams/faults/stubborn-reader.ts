import { request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** How an answer ended for its reader. `gone`: it was whole, and the log that had it died with the gate. */
export type End = 'whole' | 'interrupted' | 'gone';

/** What one connection did for a reader that wants the whole answer. */
export type Step =
  /** Nothing is known of the answer's end: come back. */
  | { readonly next: 'again' }
  /** The answer is whole, or will never be. */
  | { readonly next: 'over'; readonly end: End };

/** What a reader has of an answer, over all its connections. */
export interface Having {
  /** Of the call; null: no head has come yet. */
  id: string | null;
  /** `epoch.seq` of the last event. */
  position: string | null;
  text: string;
  /** What no reader should ever see: an event twice, a gap, an answer that nobody can explain. */
  readonly wrong: string[];
  connections: number;
}

export interface ReadOrder {
  /** Of the gate, or of what stands before it. */
  readonly base: string;
  readonly key: string;
  readonly prompt: string;
  /** The same for each try: one generation, whatever happens to its connections. */
  readonly idempotencyKey: string;
  /** A connection without a byte for so long is dead. */
  readonly deadMs: number;
}

/** One connection of a protocol: begins or resumes, and notes what came. */
export type Connect = (order: ReadOrder, having: Having) => Promise<Step>;

export interface Read extends Having {
  readonly end: End | 'gave up';
}

/** Comes back until it knows how the answer ended. */
export async function readStubbornly(connect: Connect, order: ReadOrder, patienceMs: number): Promise<Read> {
  const having: Having = { id: null, position: null, text: '', wrong: [], connections: 0 };
  const until = performance.now() + patienceMs;
  for (let wait = 20; performance.now() < until; wait = Math.min(wait * 1.5, 500)) {
    having.connections++;
    const step = await connect(order, having);
    if (step.next === 'over') return { ...having, end: step.end };
    await sleep(wait);
  }
  return { ...having, end: 'gave up' };
}

const AGAIN: Step = { next: 'again' };

/** An event's number must be the next one: twice or a gap is our mistake, whatever the network did. */
export function noteSeq(having: Having, position: string): void {
  const [epoch, seq] = position.split('.');
  const [knownEpoch, knownSeq] = having.position?.split('.') ?? [epoch, '-1'];
  if (epoch !== knownEpoch) having.wrong.push(`epoch ${epoch} behind ${having.position}`);
  if (Number(seq) !== Number(knownSeq) + 1) having.wrong.push(`event ${position} behind ${having.position}`);
  having.position = position;
}

/** What a refusal means for somebody who wants the whole answer. */
export function stepOf(status: number, body: string, having: Having): Step {
  if (status === 503 || status === 502 || status === 429) return AGAIN;
  if (/interrupted/.test(body) && (status === 410 || status === 409)) return { next: 'over', end: 'interrupted' };
  if (status === 410 && /stream_gone|answer_gone/.test(body)) return { next: 'over', end: 'gone' };
  having.wrong.push(`${status} ${body.slice(0, 300)}`);
  return { next: 'over', end: 'interrupted' };
}

/** Server-sent events, parsed by a parser that is not ours. */
export const overSse =
  (createParser: typeof import('eventsource-parser').createParser): Connect =>
  (order, having) =>
    new Promise((resolve) => {
      let over: Step | null = null;
      const parser = createParser({
        onEvent: ({ id, event, data }) => {
          if (event === 'headgate.end') return void (over = endOf(data, having));
          if (id !== undefined) noteSeq(having, id);
          if (data !== '[DONE]') having.text += textOf(data);
        },
      });
      const request = httpRequest(order.base + pathOf(having), {
        ...{ method: having.id === null ? 'POST' : 'GET', agent: false, timeout: order.deadMs },
        headers: headOf(order, having),
      });
      request.on('timeout', () => request.destroy());
      request.on('error', () => undefined);
      request.on('close', () => resolve(over ?? AGAIN));
      request.on('response', (response) => {
        having.id ??= (response.headers['x-headgate-call-id'] as string | undefined) ?? null;
        let refused = '';
        response.setEncoding('utf8');
        response.on('error', () => undefined);
        response.on('data', (piece: string) => {
          if (response.statusCode === 200) parser.feed(piece);
          else refused += piece;
        });
        response.on('end', () => {
          if (response.statusCode !== 200) over = stepOf(response.statusCode!, refused, having);
        });
      });
      request.end(having.id === null ? chatBody(order) : undefined);
    });

const pathOf = ({ id }: Having): string => (id === null ? '/v1/chat/completions' : `/v1/streams/${id}?end=event`);

const headOf = ({ key, idempotencyKey }: ReadOrder, { id, position }: Having): Record<string, string> => ({
  authorization: `Bearer ${key}`,
  ...(id === null && {
    ...{ 'content-type': 'application/json', 'x-headgate-resume': 'true', 'x-headgate-end': 'event' },
    'idempotency-key': idempotencyKey,
  }),
  ...(position !== null && { 'last-event-id': position }),
});

export const chatBody = ({ prompt }: ReadOrder): string =>
  JSON.stringify({ model: 'chat', stream: true, messages: [{ role: 'user', content: prompt }] });

function textOf(data: string): string {
  const { choices } = JSON.parse(data) as { choices?: readonly { readonly delta: { readonly content?: string } }[] };
  return choices?.[0]?.delta.content ?? '';
}

function endOf(data: string, having: Having): Step {
  const { status } = JSON.parse(data) as { status: string };
  if (status === 'ok') return { next: 'over', end: 'whole' };
  if (status !== 'interrupted') having.wrong.push(`the end says ${status}`);
  return { next: 'over', end: 'interrupted' };
}
