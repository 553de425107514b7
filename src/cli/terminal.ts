/** Where the CLI writes: results to stdout, everything else to stderr; colour only where a person looks. */
import type { Tone } from './table.ts';

export interface Paint {
  readonly bold: Tone;
  readonly dim: Tone;
  readonly good: Tone;
  readonly warn: Tone;
  readonly bad: Tone;
}

export interface Terminal {
  /** A result: its own lines, to stdout. */
  print(text: string): void;
  /** A piece of a long result, as it is; resolves once stdout has taken it, so that a slow reader fills no memory. */
  write(text: string): Promise<void>;
  /** Progress, notes and warnings: to stderr. */
  note(text: string): void;
  /** A line of progress, drawn over the one before on a terminal; '' wipes it. */
  progress(text: string): void;
  /** Is progress drawn over itself? Else each line of it stays. */
  readonly isLive: boolean;
  readonly width: number;
  readonly isTerminal: boolean;
  readonly paint: Paint;
}

interface Stream {
  write(text: string, taken?: () => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

const CODES = { bold: [1, 22], dim: [2, 22], good: [32, 39], warn: [33, 39], bad: [31, 39] } as const;
const asIs: Tone = (text) => text;
/** Files and pipes have no width: lines are as long as they need to be. */
const NO_WIDTH = 10_000;
/** A terminal that does not say its width has this one. */
const USUAL_WIDTH = 80;

export const paintWith = (colour: boolean): Paint =>
  Object.fromEntries(
    Object.entries(CODES).map(([name, [on, off]]) => [
      name,
      colour ? (text: string) => `\u001b[${on}m${text}\u001b[${off}m` : asIs,
    ]),
  ) as unknown as Paint;

/** `NO_COLOR` (https://no-color.org) wins; `FORCE_COLOR` colours a pipe. */
export function wantsColour(stream: Stream, env: Readonly<Record<string, string | undefined>>): boolean {
  if (env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] && env['FORCE_COLOR'] !== '0') return true;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

export function openTerminal(
  streams: { readonly stdout: Stream; readonly stderr: Stream },
  env: Readonly<Record<string, string | undefined>>,
): Terminal {
  const { stdout, stderr } = streams;
  const columns = Number(env['COLUMNS']);
  // A terminal that nobody has sized says 0.
  const width = stdout.columns || (columns > 0 ? columns : stdout.isTTY ? USUAL_WIDTH : NO_WIDTH);
  const live = stderr.isTTY === true;
  let drawn = false;
  const wiped = (): string => (drawn ? '\r\u001b[K' : '');
  return {
    print: (text) => void stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    write: (text) => new Promise((resolve) => void stdout.write(text, () => resolve())),
    note: (text) => {
      stderr.write(`${wiped()}${text}\n`);
      drawn = false;
    },
    progress: (text) => {
      if (live) stderr.write(wiped() + text);
      else if (text !== '') stderr.write(`${text}\n`);
      drawn = live && text !== '';
    },
    isLive: live,
    width,
    isTerminal: stdout.isTTY === true,
    paint: paintWith(wantsColour(stdout, env)),
  };
}
