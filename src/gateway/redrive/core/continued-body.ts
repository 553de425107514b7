import type { DialectName } from '#wire/canonical.ts';
import { isObject, listOf } from '#wire/json/read.ts';
import { splicePieces } from '#wire/json/splice.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import { setParameters, type Seams } from '#wire/seams.ts';
import type { NoRedrive } from './prefix.ts';
import { sentText } from './seam.ts';

/** How a request of one API ends in the beginning of its answer. */
interface AnswerForm {
  /** The member with what was said, in order. */
  readonly turns: string;
  /** Who says an answer, and where in a turn the words are. */
  readonly role: string;
  readonly words: 'content' | 'parts';
  readonly turn: (text: string) => object;
}

const plainTurn = (text: string): object => ({ role: 'assistant', content: text });
const MESSAGES: AnswerForm = { turns: 'messages', role: 'assistant', words: 'content', turn: plainTurn };

/** APIs whose request can end in the beginning of its answer, and whose events can be gone on with. */
const FORMS: Readonly<Partial<Record<DialectName, AnswerForm>>> = {
  'openai-chat': MESSAGES,
  'anthropic-messages': MESSAGES,
  'openai-responses': { ...MESSAGES, turns: 'input' },
  'ai-sdk-ui': {
    ...{ ...MESSAGES, words: 'parts' },
    turn: (text) => ({ id: '', role: 'assistant', parts: [{ type: 'text', text }] }),
  },
  'google-generate': {
    ...{ turns: 'contents', role: 'model', words: 'parts' },
    turn: (text) => ({ role: 'model', parts: [{ text }] }),
  },
};

export const isContinued = (dialect: DialectName): boolean =>
  dialect === 'openai-completions' || FORMS[dialect] !== undefined;

export interface Continuing {
  readonly dialect: { readonly name: DialectName; readonly seams?: Pick<Seams, 'parameters'> };
  readonly text: string;
  /** Output tokens that the text took: so many fewer are asked for. */
  readonly spent: number;
}

/** The request with the text as the beginning of its answer, within what is left of its limit of tokens. Pure. */
export function continuedBody(
  request: StrictJson,
  { dialect: { name, seams }, text, spent }: Continuing,
): Buffer | NoRedrive {
  const found = name === 'openai-completions' ? prompted(request, text) : answered(request, FORMS[name], text);
  if (typeof found === 'string') return found;
  const left = (limit: number | null): number | null => (limit === null ? null : Math.max(1, limit - spent));
  setParameters(request, seams?.parameters ?? {}, new Map([['maxOutputTokens', left]]), found.edits);
  return Buffer.concat(splicePieces(request.bytes, request.spans, found));
}

interface Changes {
  readonly edits: Map<string, string | null>;
  readonly insertions: { readonly at: number; readonly text: string }[];
}

const edit = (name: string, value: unknown): Changes => ({
  edits: new Map([[name, JSON.stringify(value)]]),
  insertions: [],
});

/** The prompt and the text are one text: what a model would have had before it. */
function prompted({ value }: StrictJson, text: string): Changes | NoRedrive {
  const prompt = value['prompt'];
  return typeof prompt === 'string' ? edit('prompt', prompt + text) : 'dialect';
}

function answered(request: StrictJson, form: AnswerForm | undefined, text: string): Changes | NoRedrive {
  const { value, spans, bytes } = request;
  if (form === undefined) return 'dialect';
  const span = spans.get(form.turns);
  const turns = value[form.turns];
  // What a caller of Responses says in one text is a message of the user's.
  if (typeof turns === 'string') return edit(form.turns, [{ role: 'user', content: turns }, form.turn(sentText(text))]);
  if (!span || !Array.isArray(turns) || turns.length === 0) return 'dialect';
  const last: unknown = turns.at(-1);
  if (!isObject(last) || last['role'] !== form.role || endsInResult(last)) {
    const turn = `,${JSON.stringify(form.turn(sentText(text)))}`;
    return { edits: new Map(), insertions: [{ at: bytes.lastIndexOf(']', span.end - 1), text: turn }] };
  }
  const joined = joinedTo(last, form.words, text);
  if (joined === null || request.longNumberAt !== null) return 'dialect';
  return edit(form.turns, [...turns.slice(0, -1), joined]);
}

/** The SDK's message holds the calls of an answer and what their tools gave back: what comes behind is another turn. */
function endsInResult(last: Readonly<Record<string, unknown>>): boolean {
  const part = listOf(last['parts']).at(-1);
  return isObject(part) && (part['state'] === 'output-available' || part['state'] === 'output-error');
}

const TEXTS: ReadonlySet<unknown> = new Set(['text', 'output_text', 'input_text', undefined]);

/** The caller had begun the answer itself: one message holds both beginnings. */
function joinedTo(last: Readonly<Record<string, unknown>>, words: AnswerForm['words'], text: string): object | null {
  const content = last[words];
  if (typeof content === 'string') return { ...last, [words]: sentText(content + text) };
  const part: unknown = Array.isArray(content) ? content.at(-1) : null;
  if (!isObject(part) || !TEXTS.has(part['type']) || typeof part['text'] !== 'string') return null;
  // A thought is none of the answer's text.
  if (part['thought'] === true) return null;
  return {
    ...last,
    [words]: [...(content as unknown[]).slice(0, -1), { ...part, text: sentText(part['text'] + text) }],
  };
}
