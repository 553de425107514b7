import type { Ask } from './answer.ts';
import { instanceOf } from './json-instance.ts';

/** What the model does in one turn. `{{tool_result}}` and `{{user}}` in a text are filled in from the request. */
export interface ScriptTurn {
  readonly text?: string;
  /** `name: "*"` is the first tool that the request declares; `input: "*"` an instance of its schema. */
  readonly tools?: readonly { readonly name: string; readonly input: unknown }[];
}

/** A conversation from the model's side; after its last turn it repeats that turn's text. */
export interface Script {
  readonly turns: readonly ScriptTurn[];
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

/** The turn that answers this request: as many turns in as the assistant has already spoken. */
export function scriptTurn(script: Script, ask: Ask): ScriptTurn {
  const turn = script.turns[Math.min(ask.assistantTurns, script.turns.length - 1)] ?? { text: '' };
  return {
    ...(turn.text === undefined ? {} : { text: fill(turn.text, ask) }),
    ...(turn.tools && ask.assistantTurns < script.turns.length
      ? { tools: turn.tools.map((call) => bind(call, ask)) }
      : {}),
  };
}

const fill = (text: string, ask: Ask): string =>
  text.replaceAll('{{tool_result}}', () => ask.lastToolText).replaceAll('{{user}}', () => ask.lastUserText);

function bind(call: { readonly name: string; readonly input: unknown }, ask: Ask): { name: string; input: unknown } {
  const tool = call.name === '*' ? ask.tools[0] : ask.tools.find(({ name }) => name === call.name);
  const input = call.input === '*' ? (tool?.custom ? 'lab' : instanceOf(tool?.schema ?? {})) : call.input;
  return { name: tool?.name ?? call.name, input };
}
