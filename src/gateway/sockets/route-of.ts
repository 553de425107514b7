import { HeadgateError } from '#kernel/errors.ts';
import type { DialectName } from '#wire/canonical.ts';
import { scan } from '#wire/json/scan.ts';
import { splice } from '#wire/json/splice.ts';
import { MAX_DEPTH } from '#wire/json/strict.ts';
import { azurePath, bedrockPath, CALL_ROUTES, googlePath, withoutApiVersion, type CallRoute } from '../routes.ts';

/** Dialects whose answers stream. */
const STREAMING: ReadonlySet<DialectName> = new Set<DialectName>([
  ...(['openai-chat', 'openai-responses', 'openai-completions'] as const),
  ...(['anthropic-messages', 'google-generate', 'bedrock-converse'] as const),
]);

export interface Asked {
  readonly route: CallRoute;
  readonly query: string;
}

/** The call that a frame's path names. Throws where it names none that streams. */
export function routeAsked(asked: string): Asked {
  const cut = asked.indexOf('?');
  const sent = cut < 0 ? '' : asked.slice(cut + 1);
  const plain = cut < 0 ? asked : asked.slice(0, cut);
  const azure = azurePath(plain);
  const path = azure?.path ?? plain;
  // A frame is the answer's own framing: `alt=sse` and AWS's binary frames have no meaning here.
  const found = azure?.route ?? CALL_ROUTES.get(path) ?? googlePath(path, 'alt=sse') ?? bedrockPath(path);
  if (!found || !STREAMING.has(found.dialect)) throw noStream(`There is no stream at \`${plain.slice(0, 200)}\`.`);
  const { framing, ...route } = found;
  const inPath = framing !== undefined || route.family === 'google' || route.family === 'bedrock';
  if (inPath && route.named?.stream === false) throw noStream('The path is that of an answer in one piece.');
  return { route, query: route.family === 'google' ? '' : withoutApiVersion(sent) };
}

const noStream = (message: string): HeadgateError =>
  new HeadgateError('endpoint_not_found', {
    field: 'path',
    message: `${message} See the reference of the stream protocol.`,
  });

/** The body with the wish to stream, where the body is the place for it. Every byte outside stays. */
export function streaming(body: Buffer, { route }: Asked, usage: boolean): Buffer {
  if (route.named?.stream) return body;
  const { spans } = scan(body, MAX_DEPTH);
  const said = spans.get('stream');
  if (said && body.toString('latin1', said.start, said.end) !== 'true')
    throw new HeadgateError('invalid_request', {
      field: 'stream',
      message: 'A started call streams: leave `stream` out.',
    });
  const edits = new Map<string, string>();
  if (!said) edits.set('stream', 'true');
  const counted = route.dialect === 'openai-chat' || route.dialect === 'openai-completions';
  if (usage && counted && !spans.has('stream_options')) edits.set('stream_options', '{"include_usage":true}');
  return splice(body, spans, edits);
}

/** The model that a call names, for whoever reads the first frame; null: it names none. */
export function modelAsked(body: Buffer, { route }: Asked): string | null {
  if (route.named) return route.named.model;
  const span = scan(body, MAX_DEPTH).spans.get('model');
  try {
    const model: unknown = span && JSON.parse(body.toString('utf8', span.start, span.end));
    return typeof model === 'string' ? model : null;
  } catch {
    return null;
  }
}
