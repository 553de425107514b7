import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PolicyView } from '../dialect.ts';
import { firstWrong, aBoolean, anArray, anObject, aString, fieldFault, integerWithin } from '../json/checks.ts';
import { isObject, listOf, objectOf, textOf, type JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';

const CHECKS = new Map([
  ['model', aString],
  ['stream', aBoolean],
  ['messages', anArray],
  ['system', anArray],
  ['inferenceConfig', anObject],
  ['toolConfig', anObject],
  ['serviceTier', anObject],
]);
const LIMIT = new Map([['maxTokens', integerWithin(0, Number.MAX_SAFE_INTEGER)]]);

/** Reads the policy fields of a Converse body, strictly: one of a wrong type is a 400. */
export function readPolicy({ value: body }: StrictJson): Result<PolicyView, FieldFault> {
  const inference = objectOf(body['inferenceConfig']);
  const wrong = firstWrong(body, CHECKS) ?? firstWrong(inference, LIMIT, 'inferenceConfig.');
  if (wrong) return err(wrong);
  const model = textOf(body['model']) ?? '';
  if (model === '') return err(fieldFault('model', '`model` must be a text that is not empty.'));
  if (!Array.isArray(body['messages'])) return err(fieldFault('messages', '`messages` must be an array.'));
  const media = { images: 0, audios: 0, files: 0 };
  for (const message of body['messages'] as unknown[]) count(media, listOf(objectOf(message)['content']));
  return ok({
    model,
    stream: body['stream'] === true,
    includeUsage: true,
    maxOutputTokens: (inference['maxTokens'] as number | undefined) ?? null,
    n: 1,
    serviceTier: textOf(objectOf(body['serviceTier'])['type']),
    store: null,
    background: false,
    cacheSalt: false,
    hostedTools: hosted(objectOf(body['toolConfig'])),
    endUser: null,
    sessionHint: null,
    keptIds: [],
    media,
    inputs: 1,
  });
}

function hosted(config: JsonObject): string[] {
  const tools = listOf(config['tools']).map(objectOf);
  return tools.flatMap((tool) =>
    'systemTool' in tool ? [textOf(objectOf(tool['systemTool'])['name']) ?? 'tool'] : [],
  );
}

/** Parts that bytes do not measure; text sources are measured by their bytes. */
function count(media: { images: number; audios: number; files: number }, blocks: readonly unknown[]): void {
  for (const block of blocks) {
    if (!isObject(block)) continue;
    if ('image' in block || 'video' in block) media.images++;
    else if ('audio' in block) media.audios++;
    else if ('document' in block) media.files += 'text' in objectOf(objectOf(block['document'])['source']) ? 0 : 1;
    else if ('toolResult' in block) count(media, listOf(objectOf(block['toolResult'])['content']));
  }
}
