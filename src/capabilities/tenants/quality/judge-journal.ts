import { closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { JudgeTally, type JudgeEvent, type JudgeState } from './core/judge-tally.ts';

/** Written anew beyond this: 10,000 events, about. */
const MOST_BYTES = 2 * 1024 * 1024;

/**
 * What judges were asked, in a file: each event is handed to the kernel at once, so that after `kill -9` a day's
 * bounds go on, and what was asked and never ended is known to be lost.
 */
export class JudgeJournal {
  readonly #path: string;
  readonly #onTrouble: (error: unknown) => void;
  readonly tally: JudgeTally;
  /** Null: the file cannot be written for now. */
  #fd: number | null = null;
  #bytes = 0;

  constructor(
    path: string,
    { now, onTrouble }: { readonly now: number; readonly onTrouble: (error: unknown) => void },
  ) {
    this.#path = path;
    this.#onTrouble = onTrouble;
    this.tally = readTally(path);
    for (const { call, ...of } of this.tally.open())
      this.tally.apply({ ...of, at: now, do: 'end', call, end: 'lost', costNanoUsd: null });
    this.#writes(() => this.#roll());
  }

  note(event: JudgeEvent): void {
    const line = `${JSON.stringify(event, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))}\n`;
    this.tally.apply(event);
    this.#bytes += line.length;
    this.#writes(() => {
      if (this.#fd === null || this.#bytes > MOST_BYTES) return this.#roll();
      writeSync(this.#fd, line);
    });
  }

  /** A full disk or a folder that is read-only stops no call and no start: what this process knows goes on to count. */
  #writes(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#onTrouble(error);
    }
  }

  /** The whole, this event included, in a new file. */
  #roll(): void {
    const next = this.#anew();
    this.close();
    this.#fd = next;
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  /** The whole as one line, in the place of all before it. */
  #anew(): number {
    const next = `${this.#path}.next`;
    writeFileSync(next, `${JSON.stringify({ state: this.tally.state() })}\n`, { mode: 0o600 });
    renameSync(next, this.#path);
    this.#bytes = 0;
    return openSync(this.#path, 'a', 0o600);
  }
}

function readTally(path: string): JudgeTally {
  let tally = new JudgeTally();
  for (const text of linesOf(path)) {
    const line = lineOf(text);
    if (line === null) continue;
    if ('state' in line) tally = new JudgeTally(line.state);
    else if (line.do !== 'end') tally.apply(line);
    else tally.apply({ ...line, costNanoUsd: line.costNanoUsd === null ? null : BigInt(line.costNanoUsd) });
  }
  return tally;
}

function linesOf(path: string): readonly string[] {
  try {
    return readFileSync(path, 'utf8').split('\n');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Null: the process died while it wrote the line. */
function lineOf(text: string): JudgeEvent | { readonly state: JudgeState } | null {
  try {
    return JSON.parse(text) as JudgeEvent | { readonly state: JudgeState };
  } catch {
    return null;
  }
}
