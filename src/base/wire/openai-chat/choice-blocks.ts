import type { CanonicalEvent } from '#wire/canonical.ts';
import { extraSignature } from '#wire/google-generate/signature.ts';
import { countOf, isObject, isUnset, objectOf, textOf, type JsonObject } from '#wire/json/read.ts';

type TextKind = 'text' | 'reasoning' | 'refusal';

interface ToolBlock {
  readonly block: number;
  readonly id: string;
}

/** The blocks of one choice, found from its deltas. */
export interface ChoiceBlocks {
  readonly choice: number;
  text(kind: TextKind, text: string, logprobs: unknown): CanonicalEvent[];
  annotation(value: unknown): CanonicalEvent[];
  signature(detail: JsonObject): CanonicalEvent[];
  tool(call: JsonObject): CanonicalEvent[];
  stopAll(): CanonicalEvent[];
}

/**
 * A block of text ends where another block begins. Tool calls stay open until the choice ends: pieces of parallel
 * calls may alternate, and each must reach its own block.
 */
export function choiceBlocks(choice: number): ChoiceBlocks {
  let next = 0;
  let open: { readonly kind: TextKind; readonly block: number } | null = null;
  let tools = new Map<number | string, ToolBlock>();
  let lastTool: number | string = 0;

  const closeText = (): CanonicalEvent[] => {
    if (!open) return [];
    const stop: CanonicalEvent = { type: 'block_stop', choice, block: open.block };
    open = null;
    return [stop];
  };
  const openText = (kind: TextKind): CanonicalEvent[] => {
    if (open?.kind === kind) return [];
    const closed = closeText();
    open = { kind, block: next++ };
    return [...closed, { type: 'block_start', choice, block: open.block, kind }];
  };
  const text = (kind: TextKind, piece: string, logprobs: unknown): CanonicalEvent[] => {
    const scored = isUnset(logprobs) ? {} : { logprobs };
    // Log probabilities may come beside an empty text; they belong to the text that is open.
    if (piece === '' && (isUnset(logprobs) || open?.kind !== kind)) return [];
    const started = openText(kind);
    return [...started, { type: 'delta', choice, block: open!.block, text: piece, ...scored }];
  };
  const signedThought = (signature: string | null): CanonicalEvent[] => {
    if (signature === null) return [];
    const at = { choice, block: next++ };
    return [
      { type: 'block_start', ...at, kind: 'reasoning' },
      { type: 'signature', ...at, signature },
      { type: 'block_stop', ...at },
    ];
  };
  const openTool = (key: number | string, call: JsonObject): CanonicalEvent[] => {
    const custom = isObject(call['custom']);
    const id = textOf(call['id']) ?? '';
    const name = textOf(objectOf(call[custom ? 'custom' : 'function'])['name']) ?? '';
    const closed = [...closeText(), ...signedThought(extraSignature(call))];
    const block = next++;
    tools.set(key, { block, id });
    return [...closed, { type: 'block_start', choice, block, kind: 'tool_call', id, name, custom }];
  };
  const tool = (call: JsonObject): CanonicalEvent[] => {
    const key = toolKey(call, tools, lastTool);
    lastTool = key;
    const started = tools.has(key) ? [] : openTool(key, call);
    const piece = argumentText(call);
    const { block } = tools.get(key)!;
    return piece === '' ? started : [...started, { type: 'delta', choice, block, text: piece }];
  };
  const stopAll = (): CanonicalEvent[] => {
    const stops = [...tools.values()].map(({ block }): CanonicalEvent => ({ type: 'block_stop', choice, block }));
    tools = new Map();
    return [...closeText(), ...stops];
  };
  return {
    choice,
    text,
    tool,
    stopAll,
    annotation: (value) => [...openText('text'), { type: 'annotation', choice, block: open!.block, value }],
    signature: (detail) => {
      const [signature, encrypted] = [textOf(detail['signature']), textOf(detail['data'])];
      if (signature === null && encrypted === null) return [];
      const started = openText('reasoning');
      const signed = { ...(signature !== null && { signature }), ...(encrypted !== null && { encrypted }) };
      return [...started, { type: 'signature', choice, block: open!.block, ...signed }];
    },
  };
}

/**
 * Which call a piece belongs to. Google's endpoint gives every parallel call index 0, told apart by id alone, and
 * some servers leave the index out.
 */
function toolKey(
  call: JsonObject,
  tools: ReadonlyMap<number | string, ToolBlock>,
  last: number | string,
): number | string {
  const index = countOf(call['index']);
  const id = textOf(call['id']);
  const held = index === null ? undefined : tools.get(index);
  if (held && id && held.id !== '' && held.id !== id) return `id:${id}`;
  if (index === null) return id ? `id:${id}` : last;
  // Pieces without an id, after a call that had to be told apart by id, belong to that one.
  return !id && typeof last === 'string' && tools.has(last) ? last : index;
}

function argumentText(call: JsonObject): string {
  const args = objectOf(call['function'])['arguments'] ?? objectOf(call['custom'])['input'];
  if (typeof args === 'string') return args;
  return isObject(args) ? JSON.stringify(args) : '';
}
