import type { AnswerView, BodyChanges, EventView, StreamReader } from '#wire/dialect.ts';
import { countOf, isUnset, listOf, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';
import { splice } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { DONE, parseChunk, TERMINAL } from '#wire/openai-chat/chunk-view.ts';
import { NOTHING } from '#wire/nothing.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import { readFinish } from '#wire/openai-chat/finish.ts';
import { askForUsage } from '#wire/openai-chat/patch.ts';
import { readUsage } from '#wire/openai-chat/usage.ts';
import { NO_TOOLS } from '#wire/seams.ts';
import { lead } from './lead.ts';
import { passThrough } from '#wire/pass-through/dialect.ts';
import { answerView } from '#wire/pass-through/view.ts';
import type { SseEvent } from '#wire/sse/splitter.ts';
import { policy } from './policy.ts';
import { streamDecoder } from './stream-decoder.ts';
import { streamEncoder } from './stream-encoder.ts';

/** The limit of the published API where the caller names none. */
const USUAL_MAX_TOKENS = 16;

/** A limit that the gate sets never asks for more than the API would have given. */
function patch(request: StrictJson, changes: BodyChanges): Buffer {
  const edits = new Map<string, string | null>();
  if (changes.model !== undefined && changes.model !== request.value['model'])
    edits.set('model', JSON.stringify(changes.model));
  if (changes.includeUsage) askForUsage(request, edits);
  if (changes.maxOutputTokens !== undefined) {
    const asked = request.value['max_tokens'];
    const most = isUnset(asked) ? Math.min(USUAL_MAX_TOKENS, changes.maxOutputTokens) : changes.maxOutputTokens;
    if (countOf(asked) === null) edits.set('max_tokens', String(most));
  }
  for (const field of changes.drop ?? []) {
    if (Object.hasOwn(request.value, field)) edits.set(field, null);
    else edits.delete(field);
  }
  for (const [field, json] of Object.entries(changes.set ?? {})) edits.set(field, json);
  return splice(request.bytes, request.spans, edits);
}

function readAnswer(value: unknown): AnswerView {
  const answer = objectOf(value);
  const choices = listOf(answer['choices']);
  const view = answerView(value, choices.length > 0, readUsage(answer), 'completion');
  if (view.fault) return view;
  return {
    ...view,
    finish: readFinish(objectOf(choices.at(-1))['finish_reason']),
    fingerprint: textOf(answer['system_fingerprint']),
    serviceTier: textOf(answer['service_tier']),
  };
}

function read({ data, name }: SseEvent): EventView {
  if (data === null) return NOTHING;
  if (data.trim() === DONE) return TERMINAL;
  const chunk = parseChunk(data);
  if (!chunk) return name === 'error' ? { ...NOTHING, fault: readFault(null, data) } : NOTHING;
  return chunkView(chunk, name);
}

function chunkView(chunk: JsonObject, name: string): EventView {
  const choices = listOf(chunk['choices']);
  const usage = readUsage(chunk);
  const fault = !isUnset(chunk['error']) || name === 'error' ? readFault(null, chunk) : null;
  let textBytes = 0;
  let finish: EventView['finish'] = null;
  for (const choice of choices) {
    const { text, finish_reason } = objectOf(choice) as Record<string, unknown>;
    if (typeof text === 'string') textBytes += Buffer.byteLength(text);
    finish = readFinish(finish_reason) ?? finish;
  }
  return {
    ...NOTHING,
    content: textBytes > 0,
    textBytes,
    usage,
    finish,
    modelReturned: textOf(chunk['model']),
    fingerprint: textOf(chunk['system_fingerprint']),
    fault,
    usageOnly: usage !== null && fault === null && Array.isArray(chunk['choices']) && choices.length === 0,
  };
}

const READER: StreamReader = { read };

/** OpenAI's legacy Completions, as open servers still speak it. Streams end with `data: [DONE]`. */
export const openaiCompletions = passThrough({
  name: 'openai-completions',
  kind: 'generate',
  policy,
  patch,
  seams: {
    parameters: {
      temperature: { names: ['temperature'] },
      topP: { names: ['top_p'] },
      maxOutputTokens: { names: ['max_tokens'] },
    },
    toolNames: NO_TOOLS,
    lead,
  },
  readAnswer,
  streamReader: () => READER,
  streamDecoder,
  streamEncoder,
});
