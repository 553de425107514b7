import { dialectFor } from '#providers/index.ts';
import { NO_USAGE, type Usage } from '#wire/usage.ts';
import { afterWritten } from './after-written.ts';
import type { Call, CallFacts } from './call.ts';
import type { Gate } from './gate.ts';
import { idHeaders, limitHeadersOf } from './refuse.ts';
import { settle } from './settle.ts';

/** A picture of usual size: Anthropic counts width × height / 750, and scales down to about 1,600. */
const IMAGE_TOKENS = 1_600;

/** A count that no deployment of the model can give: agents ask for it often, and it must not fail (clients.md 1). */
export const isCountedHere = ({ dialect, order }: Pick<CallFacts, 'dialect' | 'order'>): boolean =>
  dialect.kind === 'count' && order.every(({ provider }) => dialectFor(provider.data, dialect.name) === null);

/** Answers a count with our own estimate, free, and says so in header and entry. */
export function countHere(gate: Gate, call: Call): void {
  const { dialect, view } = call.facts;
  const usage: Usage = { ...NO_USAGE, inputTokens: estimate(gate, call.facts) };
  call.countedHere = usage;
  const answer = dialect.encodeAnswer(
    {
      kind: 'generate',
      id: '',
      model: view.model,
      createdS: null,
      choices: [],
      usage,
      serviceTier: null,
      fingerprint: null,
    },
    { modelAsked: view.model, callId: call.id, nowS: Math.floor(gate.clock.now() / 1000), includeUsage: true },
  );
  const body = Buffer.from(JSON.stringify(answer));
  call.bytesOut = body.length;
  settle(gate, call, { status: 'ok', httpStatus: 200, errorCode: null, cancelledBy: null });
  afterWritten(gate, call, () => {
    const { response, route } = call.exchange;
    response.writeHead(200, [
      ...['content-type', 'application/json', 'content-length', String(body.length)],
      ...['x-headgate-estimated', 'input_tokens'],
      ...limitHeadersOf(gate, call.exchange),
      ...idHeaders(route.family, call.id),
    ]);
    response.end(body);
  });
}

/** By bytes, at the rate that the model's own usage taught; pictures count as pictures. Documents count as text. */
function estimate(gate: Gate, { body, view, order }: CallFacts): number {
  const { images, files } = view.media;
  const bytes = images > 0 && files === 0 ? body.bytes.length - base64Bytes(body.bytes) : body.bytes.length;
  const model = order[0]!.model ?? view.model;
  return Math.ceil(gate.estimator.inputTokens(model, Math.max(0, bytes))) + images * IMAGE_TOKENS;
}

const DATA = '"data":"';

/** Bytes of the texts in members named `data`. Members with a space after the colon are missed, and count as text. */
function base64Bytes(bytes: Buffer): number {
  let sum = 0;
  for (let at = bytes.indexOf(DATA); at >= 0; at = bytes.indexOf(DATA, at)) {
    const start = at + DATA.length;
    const end = bytes.indexOf('"', start);
    if (end < 0) break;
    sum += end - start;
    at = end;
  }
  return sum;
}
