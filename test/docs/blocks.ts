/** Fenced blocks of a page, with the comment before each that says why it is not run here. */
export interface Block {
  readonly page: string;
  /** Of the fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  readonly note: Note | null;
}

/** `<!-- not run: why -->`: it needs what a test machine has not. `<!-- run by: file -->`: another test or script runs it. */
export interface Note {
  readonly kind: 'not run' | 'run by';
  readonly text: string;
}

const NOTE = /^<!-- (not run|run by): (.+) -->$/;

export function blocksOf(page: string, markdown: string): Block[] {
  const lines = markdown.split('\n');
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const language = /^```(.*)$/.exec(lines[i]!)?.[1];
    if (language === undefined) continue;
    const end = lines.indexOf('```', i + 1);
    blocks.push({ page, line: i + 1, language, text: lines.slice(i + 1, end).join('\n'), note: noteBefore(lines, i) });
    i = end;
  }
  return blocks;
}

function noteBefore(lines: readonly string[], at: number): Note | null {
  let i = at - 1;
  while (i >= 0 && lines[i]!.trim() === '') i--;
  const found = NOTE.exec(lines[i]?.trim() ?? '');
  return found ? { kind: found[1] as Note['kind'], text: found[2]! } : null;
}

/** A console block: each command with the output that the page shows for it. */
export function commandsOf(text: string): { readonly command: string; readonly output: string }[] {
  const found: { command: string[]; output: string[] }[] = [];
  for (const line of text.split('\n')) {
    const last = found.at(-1);
    if (line.startsWith('$ ')) found.push({ command: [line.slice(2)], output: [] });
    else if (last && last.output.length === 0 && last.command.at(-1)!.endsWith('\\')) last.command.push(line);
    else last?.output.push(line);
  }
  return found.map(({ command, output }) => ({ command: command.join('\n'), output: output.join('\n') }));
}

/** Words of an output that no run changes: letters alone, and long enough to mean something. */
export const fixedWords = (output: string): string[] => [
  ...new Set([...output.matchAll(/(?<![\w/.-])[a-z]{5,}(?![\w/.-])/g)].map(([word]) => word)),
];
