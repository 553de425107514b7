import { setTimeout as sleep } from 'node:timers/promises';
import { epochMs, type CallId } from '#kernel/brand.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { withSource, type Source } from '../connect/source.ts';
import type { CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import { askedOf, filtersOf, type CommonFlags, type FilterFlags, type Filters } from '../flags.ts';
import { jsonLine } from '../json.ts';
import { displayWidth, fit, padEnd, padStart } from '../text.ts';
import { CALL_COLUMNS, callCells } from './draw-list.ts';

export interface TailFlags extends CommonFlags, FilterFlags {}

/** Quick enough to watch, and a twentieth of a per cent of what the store can answer. */
const POLL_MS = 1_000;
/** A call appears when it settles, and its id is of its admission: calls of this long ago are looked at again. */
const LOOK_BACK_MS = 15 * 60_000;
/** Calls of one look; more than these in a second scroll by unread. */
const MOST = 1_000;

/** Prints calls as they settle, until the process is interrupted. */
export async function tail(this: CliContext, flags: TailFlags): Promise<void> {
  await withSource(this, flags, async (source) => {
    if (source.kind === 'store')
      throw usageFailure(
        'Nothing new comes while no gate is running.',
        'start one with `headgate up`, or use `headgate calls list`',
      );
    this.terminal.note('calls as they settle; end with Ctrl-C');
    const print = flags.json ? printJson(this) : printRows(this);
    for await (const entry of settled(source, { now: this.now, filters: filtersOf(flags) })) print(entry);
  });
}

interface Following {
  readonly now: () => number;
  readonly filters: Filters;
}

/** Entries that appear after now, each once. */
async function* settled(source: Source, { now, filters }: Following): AsyncGenerator<LedgerEntry> {
  const look = (): Promise<readonly LedgerEntry[]> =>
    source.calls({ ...askedOf(filters), from: epochMs(now() - LOOK_BACK_MS), to: epochMs(now() + 1), limit: MOST });
  let seen = new Set<CallId>((await look()).map(({ id }) => id));
  for (;;) {
    await sleep(POLL_MS);
    const entries = await look();
    // A correction is no call that settles: its call was shown.
    yield* entries.filter(({ id, corrects }) => corrects === null && !seen.has(id)).reverse();
    seen = new Set([...seen, ...entries.map(({ id }) => id)].slice(-4 * MOST));
  }
}

const printJson =
  ({ terminal }: CliContext) =>
  (entry: LedgerEntry): void =>
    terminal.print(jsonLine({ report: 'call', call: entry }));

/** Columns widen as wider cells come: nothing that was printed can be drawn again. */
function printRows({ terminal, zone }: CliContext): (entry: LedgerEntry) => void {
  const widths = CALL_COLUMNS.map(({ title }) => title.length);
  let first = true;
  return (entry) => {
    const cells = callCells(entry, { terminal, zone, wholeIds: !terminal.isTerminal, timeOnly: terminal.isTerminal });
    const texts = cells.map((cell) => (typeof cell === 'string' ? cell : cell.text));
    texts.forEach((text, i) => (widths[i] = Math.max(widths[i]!, displayWidth(text))));
    const line = (row: readonly string[], tone: (text: string, i: number) => string): string =>
      row
        .map((text, i) =>
          tone(CALL_COLUMNS[i]!.align === 'right' ? padStart(text, widths[i]!) : padEnd(text, widths[i]!), i),
        )
        .join('  ')
        .trimEnd();
    if (first)
      terminal.print(
        terminal.paint.dim(
          fit(
            line(
              CALL_COLUMNS.map(({ title }) => title),
              (text) => text,
            ),
            terminal.width,
          ),
        ),
      );
    first = false;
    const tones = cells.map((cell) => (typeof cell === 'string' ? null : cell.tone));
    terminal.print(line(texts, (text, i) => tones[i]?.(text) ?? text));
  };
}
