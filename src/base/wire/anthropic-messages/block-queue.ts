import type { CanonicalEvent } from '../canonical.ts';

export type BlockStart = Extract<CanonicalEvent, { type: 'block_start' }>;
export type BlockEvent = Extract<CanonicalEvent, { choice: number; block: number }>;

/** Writes one block after the other: `begin`, its events, `finish`, never two at a time. */
export interface BlockWriter {
  begin(start: BlockStart): string;
  piece(start: BlockStart, event: BlockEvent): string;
  finish(start: BlockStart): string;
}

interface Waiting {
  readonly start: BlockStart;
  readonly events: BlockEvent[];
  stopped: boolean;
}

/**
 * Puts blocks in a row. Other dialects interleave them (chat streams parallel tool calls by index): Anthropic's SDKs
 * and agents read one at a time. A block that comes while another is open waits, with what it brings, until that one
 * stops; but text and thinking can be cut anywhere without a change of meaning, so they give way at once and go on
 * in a block of their own. What waits is bounded by the answer itself.
 */
export interface BlockQueue {
  push(event: BlockEvent): string;
  /** Stops everything that is open or waits, in order. */
  drain(): string;
}

const mayBeCut = (start: BlockStart): boolean => start.kind !== 'tool_call';

export function blockQueue(writer: BlockWriter): BlockQueue {
  let open: BlockStart | null = null;
  const waiting: Waiting[] = [];
  const cut = new Map<number, BlockStart>();

  const begin = (start: BlockStart): string => {
    if (open && mayBeCut(open)) {
      const closed = open;
      cut.set(closed.block, closed);
      open = null;
      return writer.finish(closed) + begin(start);
    }
    if (open) {
      waiting.push({ start, events: [], stopped: false });
      return '';
    }
    open = start;
    return writer.begin(start);
  };

  const next = (): string => {
    let out = '';
    while (!open && waiting.length > 0) {
      const block = waiting.shift()!;
      open = block.start;
      out += writer.begin(block.start);
      for (const event of block.events) out += writer.piece(block.start, event);
      if (block.stopped || (mayBeCut(block.start) && waiting.length > 0)) out += stop(block.start, block.stopped);
    }
    return out;
  };

  const stop = (start: BlockStart, forGood: boolean): string => {
    if (!forGood) cut.set(start.block, start);
    open = null;
    return writer.finish(start);
  };

  const piece = (event: BlockEvent): string => {
    if (open?.block === event.block) return writer.piece(open, event);
    const block = waiting.find((it) => it.start.block === event.block && !it.stopped);
    if (block) return (block.events.push(event), '');
    const start = cut.get(event.block);
    if (!start) return '';
    const begun = begin(start);
    // Where it had to wait, it is the last that waits.
    if (open === start) return begun + writer.piece(start, event);
    waiting.at(-1)!.events.push(event);
    return begun;
  };

  const blockStop = (block: number): string => {
    cut.delete(block);
    const waits = waiting.find((it) => it.start.block === block);
    if (waits) waits.stopped = true;
    return open?.block === block ? stop(open, true) + next() : '';
  };

  return {
    push: (event) =>
      event.type === 'block_start' ? begin(event) : event.type === 'block_stop' ? blockStop(event.block) : piece(event),
    drain: () => {
      for (const block of waiting) block.stopped = true;
      return (open ? stop(open, true) : '') + next();
    },
  };
}
