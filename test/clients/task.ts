/**
 * The task that every agent is given, from the model's side: the turns that the simulated provider speaks, in the words of
 * the agent's own tools. What must lie on disk afterwards is computed here too, from the task and never from a run.
 */
import type { Script, ScriptTurn } from '#lab/provider/scripts.ts';

export interface ToolCall {
  readonly name: string;
  readonly input: unknown;
}

/** How an agent names what it can do. Paths are relative to the folder of the task. */
export interface Tools {
  readonly read: (path: string) => ToolCall;
  readonly write: (path: string, text: string) => ToolCall;
  readonly edit: (path: string, old: string, now: string) => ToolCall;
  readonly shell: (command: string) => ToolCall;
}

/** The questions: each names its part of the script, and stands in no answer and no file. */
export const QUESTIONS = {
  work: 'QUESTION-ONE: do the ten steps.',
  cut: 'QUESTION-TWO: tell me a long story.',
  more: 'QUESTION-THREE: look again.',
  after: 'QUESTION-FOUR: one more file.',
  broke: 'QUESTION-FIVE: spend more.',
  quiet: 'QUESTION-SIX: think for long.',
} as const;
export type Question = keyof typeof QUESTIONS;

const marker = (question: Question): string => QUESTIONS[question].split(':')[0]!;

/** Before the task. `big.txt` makes the conversation long enough that clients which watch their window compact it. */
export const FILES_BEFORE: Readonly<Record<string, string>> = {
  'a.txt': 'alpha\nfirst\n',
  'b.txt': 'beta\nsecond\n',
  'c.txt': 'gamma — naïve 中文 👩‍👩‍👧\n',
  'big.txt': Array.from({ length: 300 }, (_, i) => `line ${i + 1} of a file that is read once\n`).join(''),
};

export const FILES_AFTER: Readonly<Record<string, string>> = {
  'a.txt': 'ALPHA\nfirst\n',
  'b.txt': 'BETA “quoted” \\ slash\nsecond\n',
  'c.txt': 'GAMMA — naïve 中文 👩‍👩‍👧\n',
  'big.txt': FILES_BEFORE['big.txt']!,
  'd.txt': 'made by a tool\n',
  'e.txt': 'made by the shell\n',
  'f.txt': 'in parallel\n',
  'g.txt': 'after the compaction\n',
  'list.txt': 'a.txt b.txt big.txt c.txt d.txt e.txt list.txt \n',
};

/** Ten turns with tools and one that says so; the first is refused once as overloaded. */
function work({ read, write, edit, shell }: Tools): ScriptTurn[] {
  return [
    { text: 'I read the first file.', tools: [read('a.txt')], faultOnce: '529' },
    { text: 'Two at once.', tools: [read('b.txt'), read('c.txt')] },
    { tools: [edit('a.txt', 'alpha', 'ALPHA')] },
    { tools: [write('d.txt', 'made by a tool\n')] },
    { text: 'Now a command.', tools: [shell("printf 'made by the shell\\n' > e.txt && cat e.txt")] },
    { tools: [read('d.txt'), shell('cat a.txt')] },
    { tools: [edit('b.txt', 'beta', 'BETA “quoted” \\ slash')] },
    { tools: [shell('echo $(ls | sort) list.txt "" > /tmp/headgate-list.$$; mv /tmp/headgate-list.$$ list.txt')] },
    { text: 'Two changes at once.', tools: [edit('c.txt', 'gamma', 'GAMMA'), write('f.txt', 'in parallel\n')] },
    { tools: [read('big.txt')] },
    { text: 'All ten steps are done.' },
  ];
}

const STORY = 'Once upon a time there was a gate. '.repeat(60);
/** A stream of the question `quiet` stands still for so long, once. */
export const SILENCE_MS = 12_000;
export const THOUGHT = 'It took a while to think of this. '.repeat(10);
export const SUMMARY = 'Summary of what was done so far: ten steps on small files, all of them finished.';

/** What clients ask when they compact: parts of their own prompts, seen in their traffic. */
const COMPACTION = ['create a detailed summary', 'CONTEXT CHECKPOINT COMPACTION'];

export const scriptFor = (tools: Tools): Script => ({
  turns: [{ text: 'Nobody asked.' }],
  aside: SUMMARY,
  parts: [
    ...COMPACTION.map((after) => ({ after, turns: [{ text: SUMMARY }] })),
    { after: marker('work'), turns: work(tools) },
    { after: marker('cut'), turns: [{ text: STORY, faultOnce: 'stall@12' }] },
    { after: marker('more'), turns: [{ tools: [tools.read('a.txt')] }, { text: 'Looked again.' }] },
    {
      after: marker('after'),
      turns: [{ tools: [tools.write('g.txt', 'after the compaction\n')] }, { text: 'Written.' }],
    },
    { after: marker('broke'), turns: [{ text: 'This must never be said.' }] },
    { after: marker('quiet'), turns: [{ text: THOUGHT, faultOnce: `pause@12:${SILENCE_MS}` }] },
  ],
});

/** Turns in the order in which they are answered, as the provider's log names them. */
export const turnsOf = (question: Question, script: Script): string[] => {
  const part = script.parts!.find(({ after }) => after === marker(question))!;
  return part.turns.map((_, i) => `${part.after}#${i}`);
};
export const isCompaction = (turn: string | null): boolean => COMPACTION.some((words) => turn?.startsWith(words));
