import { type Fault, parseFaults } from './faults.ts';

export type Mode = 'text' | 'echo' | 'recorded' | 'script' | 'refusal';

/** What the request itself asks the lab to do. Model name, then header, then message: later wins. */
export interface Directive {
  readonly mode: Mode;
  /** Of a recorded answer or a script. */
  readonly name: string | null;
  readonly outputTokens: number | null;
  readonly thinkingTokens: number | null;
  readonly toolCalls: number | null;
  readonly toolName: string | null;
  readonly faults: readonly Fault[];
  /** `after=500`: a background response is done so many milliseconds later. */
  readonly afterMs: number | null;
  /** The last user text without directives: what `echo` says. */
  readonly text: string;
}

const IN_MODEL = /(?:^|[-:/])lab-(echo|text|refusal|recorded:[\w.-]+|script:[\w.-]+)$/;
const IN_MESSAGE = /\[\[lab ([^\]]*)\]\]/g;

interface DirectiveSource {
  readonly model: string;
  readonly header: (name: string) => string | undefined;
  readonly lastUserText: string;
}

/**
 * Reads the three places: a model named `…lab-echo`, `…lab-recorded:<name>`, `…lab-script:<name>`; the headers
 * `x-lab-mode`, `x-lab-output-tokens`, `x-lab-fault`; and `[[lab echo output=50 think=8 tools=2 fault=cut@20]]` in the
 * last user message. Unknown words are ignored: a prompt may say anything.
 */
export function readDirective(source: DirectiveSource): Directive {
  const words = wordsOf(source);
  const value = (key: string): string | null =>
    words.findLast((word) => word.startsWith(`${key}=`))?.slice(key.length + 1) ?? null;
  const [mode, name] = modeOf(words);
  return {
    mode,
    name,
    outputTokens: number(value('output')),
    thinkingTokens: number(value('think')),
    toolCalls: number(value('tools')),
    toolName: value('tool'),
    afterMs: number(value('after')),
    faults: words.filter((word) => word.startsWith('fault=')).flatMap((word) => parseFaults(word.slice(6))),
    text: source.lastUserText.replace(IN_MESSAGE, ''),
  };
}

function wordsOf({ model, header, lastUserText }: DirectiveSource): string[] {
  const words: string[] = [];
  const suffix = IN_MODEL.exec(model)?.[1];
  if (suffix) words.push(suffix);
  for (const [key, name] of [
    ['', 'x-lab-mode'],
    ['output=', 'x-lab-output-tokens'],
    ['fault=', 'x-lab-fault'],
  ] as const) {
    const value = header(name);
    if (value) words.push(key + value);
  }
  for (const match of lastUserText.matchAll(IN_MESSAGE)) words.push(...match[1]!.trim().split(/\s+/));
  return words;
}

function modeOf(words: readonly string[]): [Mode, string | null] {
  let found: [Mode, string | null] = ['text', null];
  for (const word of words) {
    const match = /^(?:(echo|text|refusal)|(recorded|script)[:=](.+))$/.exec(word);
    if (match) found = [(match[1] ?? match[2]) as Mode, match[3] ?? null];
  }
  return found;
}

const number = (text: string | null): number | null => (text === null || !/^\d+$/.test(text) ? null : Number(text));
