import type { Ask, Said } from './answer.ts';
import { instanceOf } from './json-instance.ts';

/**
 * What the model does in one turn. `{{tool_result}}` and `{{user}}` in a text are filled in from the request, and
 * `{{match:…}}` with the first group of a regular expression on the last words of the user.
 */
export interface ScriptTurn {
  readonly text?: string;
  /** `name: "*"` is the first tool that the request declares; `input: "*"` an instance of its schema. */
  readonly tools?: readonly { readonly name: string; readonly input: unknown }[];
  /** Faults (`529`, `stall@5`) of the first request that asks for this turn; the next one is answered. */
  readonly faultOnce?: string;
}

/** Turns that answer one question of a longer conversation: they are counted from the last user message with `after`. */
export interface ScriptPart {
  readonly after: string;
  readonly turns: readonly ScriptTurn[];
}

/**
 * A conversation from the model's side; after its last turn it repeats that turn's text. With `parts`, the part whose
 * question was asked last speaks, so that a client may compact, resume and ask on; `turns` speak where none fits.
 */
export interface Script {
  readonly turns: readonly ScriptTurn[];
  readonly parts?: readonly ScriptPart[];
  /** Said where the request declares none of the turn's tools, or none at all: clients ask for titles beside the task. */
  readonly aside?: string;
}

/** Scripts that need no set-up. */
export const BUILT_IN_SCRIPTS: Readonly<Record<string, Script>> = {
  weather: {
    turns: [
      { text: 'Let me look that up.', tools: [{ name: 'get_weather', input: { city: 'Paris' } }] },
      { text: 'It is {{tool_result}} in Paris.' },
    ],
  },
  parallel: {
    turns: [
      {
        tools: [
          { name: 'get_weather', input: { city: 'Paris' } },
          { name: 'get_weather', input: { city: 'Zürich' } },
        ],
      },
      { text: 'Both are fine.' },
    ],
  },
  'three-steps': {
    turns: [
      { tools: [{ name: '*', input: '*' }] },
      { text: 'One more.', tools: [{ name: '*', input: '*' }] },
      { text: 'Done after two calls.' },
    ],
  },
};

/** Where a request stands in its script. */
export interface ScriptPlace {
  readonly turn: ScriptTurn;
  /** `<part>#<turn>`, from 0; names the turn in the log. */
  readonly id: string;
  /** Past the last turn: its text is said again, without its tools. */
  readonly over: boolean;
}

/** The turn that answers this request: as many turns in as the assistant has already spoken. */
export function placeIn(script: Script, ask: Ask): ScriptPlace {
  const part = script.parts ? lastAsked(script.parts, ask.said()) : null;
  const turns = part?.turns ?? script.turns;
  const spoken = part ? part.spoken : ask.assistantTurns;
  const index = Math.min(spoken, Math.max(0, turns.length - 1));
  const turn = turns[index] ?? { text: '' };
  if (script.aside !== undefined && !canPlay(turn, ask))
    return { turn: { text: script.aside }, id: 'aside', over: false };
  return { turn, id: `${part?.after ?? ''}#${index}`, over: spoken >= turns.length };
}

const canPlay = ({ tools = [] }: ScriptTurn, ask: Ask): boolean =>
  ask.tools.length > 0 && tools.every(({ name }) => name === '*' || ask.tools.some((tool) => tool.name === name));

/** The part whose question comes last in the conversation, and how often the assistant has spoken since. */
function lastAsked(parts: readonly ScriptPart[], said: readonly Said[]): (ScriptPart & { spoken: number }) | null {
  for (let at = said.length - 1; at >= 0; at--) {
    const { by, text } = said[at]!;
    const part = by === 'user' ? lastNamed(parts, text) : null;
    if (part) return { ...part, spoken: said.slice(at).filter((one) => one.by === 'assistant').length };
  }
  return null;
}

/** A client that was cut off asks anew without an answer between: of two questions in one breath the later counts. */
const lastNamed = (parts: readonly ScriptPart[], text: string): ScriptPart | null =>
  parts
    .filter(({ after }) => text.includes(after))
    .sort((a, b) => text.lastIndexOf(b.after) - text.lastIndexOf(a.after))[0] ?? null;

export function scriptTurn(script: Script, ask: Ask): ScriptTurn {
  const { turn, over } = placeIn(script, ask);
  return {
    ...(turn.text === undefined ? {} : { text: fill(turn.text, ask) }),
    ...(turn.tools && !over ? { tools: turn.tools.map((call) => bind(call, ask)) } : {}),
  };
}

const fill = (text: string, ask: Ask): string =>
  text
    .replaceAll(
      /\{\{match:(.+?)\}\}(?!\})/g,
      (_, source: string) => new RegExp(source).exec(ask.lastUserText)?.[1] ?? '',
    )
    .replaceAll('{{tool_result}}', () => ask.lastToolText)
    .replaceAll('{{user}}', () => ask.lastUserText);

function bind(call: { readonly name: string; readonly input: unknown }, ask: Ask): { name: string; input: unknown } {
  const tool = call.name === '*' ? ask.tools[0] : ask.tools.find(({ name }) => name === call.name);
  const input = call.input === '*' ? (tool?.custom ? 'lab' : instanceOf(tool?.schema ?? {})) : call.input;
  return { name: tool?.name ?? call.name, input };
}
