import type { CanonicalEvent } from '../canonical.ts';
import type { EventFrame } from './frames.ts';

type Kind = Extract<CanonicalEvent, { type: 'block_start' }>['kind'];

/** What the blocks of an answer are: a delta says only to which one it belongs. */
export class BlockKinds {
  readonly #kinds = new Map<number, Kind>();

  take(event: CanonicalEvent): void {
    if (event.type === 'block_start') this.#kinds.set(placeOf(event), event.kind);
  }
  of(event: Place): Kind {
    return this.#kinds.get(placeOf(event)) ?? 'text';
  }
}

interface Place {
  readonly choice: number;
  readonly block: number;
}
/** A choice has fewer than a million blocks. */
const placeOf = ({ choice, block }: Place): number => choice * 1_000_000 + block;

/** What one canonical event is in a frame; null: nothing that a client needs. `data`: the event's own, for errors. */
export function eventFrame(event: CanonicalEvent, kinds: BlockKinds, data: string | null): EventFrame | null {
  switch (event.type) {
    case 'start':
      return { type: 'message', id: event.id, model: event.model };
    case 'block_start':
      if (event.kind !== 'tool_call') return null;
      return {
        ...{ type: 'tool_call', choice: event.choice, block: event.block },
        ...(event.id !== undefined && { id: event.id }),
        ...(event.name !== undefined && { name: event.name }),
        ...(event.custom && { custom: true }),
      };
    case 'delta':
      return delta(event, kinds);
    case 'signature':
    case 'annotation':
    case 'finish':
    case 'usage':
      return event;
    case 'opaque':
      return { type: 'opaque', name: event.name, value: event.value };
    case 'error':
      return { type: 'error', status: event.error.status, body: bodyOf(data, event.error.message) };
    default:
      return null;
  }
}

function delta(event: Extract<CanonicalEvent, { type: 'delta' }>, kinds: BlockKinds): EventFrame {
  const { choice, block, text, logprobs } = event;
  const kind = kinds.of(event);
  if (kind === 'tool_call') return { type: 'tool_call', choice, block, arguments: text };
  return { type: 'delta', kind, choice, block, text, ...(logprobs !== undefined && { logprobs }) };
}

function bodyOf(data: string | null, message: string): unknown {
  try {
    if (data !== null) return JSON.parse(data);
  } catch {
    // The provider's own words go on as they are.
  }
  return { error: { message } };
}
