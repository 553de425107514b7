import type { CanonicalEvent } from '../canonical.ts';
import { NO_USAGE } from '../usage.ts';
import type { Crossable } from './cells.ts';

/** A kind of stream event: mapped between all dialects but those named, where it is left out. */
export interface EventRow {
  readonly event: string;
  /** A whole stream that shows it. */
  readonly events: readonly CanonicalEvent[];
  /** JSON text that stands in the canonical events where it arrived. */
  readonly mark: string;
  /** Sources that never send it. */
  readonly notFrom: readonly Crossable[];
  /** Targets that have no form for it. */
  readonly notTo: readonly Crossable[];
}

type Finish = Extract<CanonicalEvent, { type: 'finish' }>['reason'];
const block = (kind: 'text' | 'reasoning' | 'refusal', text: string): CanonicalEvent[] => [
  { type: 'block_start', choice: 0, block: 0, kind },
  { type: 'delta', choice: 0, block: 0, text },
  { type: 'block_stop', choice: 0, block: 0 },
];
const TOOL: CanonicalEvent[] = [
  { type: 'block_start', choice: 0, block: 0, kind: 'tool_call', id: 'call-7', name: 'look', custom: false },
  { type: 'delta', choice: 0, block: 0, text: '{"a":"zebra"}' },
  { type: 'block_stop', choice: 0, block: 0 },
];
const stream = (body: readonly CanonicalEvent[], reason: Finish = 'stop', usage = NO_USAGE): CanonicalEvent[] => [
  { type: 'start', id: 'id-1', model: 'model-1', createdS: 1, fingerprint: null },
  ...body,
  { type: 'finish', choice: 0, reason, stopSequence: null },
  { type: 'usage', usage: { ...usage, inputTokens: usage.inputTokens ?? 1, outputTokens: usage.outputTokens ?? 1 } },
  { type: 'end' },
];
const everywhere = { notFrom: [], notTo: [] } as const;

/** A Converse answer names neither itself nor its model. */
const NO_NAME = { notFrom: ['bedrock-converse'], notTo: ['bedrock-converse'] } as const;

export const EVENT_TABLE: readonly EventRow[] = [
  { event: 'start', events: stream(block('text', 'a')), mark: '"model":"model-1"', ...NO_NAME },
  { event: 'text', events: stream(block('text', 'zebra')), mark: '"text":"zebra"', ...everywhere },
  { event: 'tool call', events: stream(TOOL, 'tool_calls'), mark: '"id":"call-7","name":"look"', ...everywhere },
  { event: 'tool arguments', events: stream(TOOL, 'tool_calls'), mark: 'zebra', ...everywhere },
  { event: 'reasoning text', events: stream([...block('reasoning', 'zebra')]), mark: '"text":"zebra"', ...everywhere },
  { event: 'refusal text', events: stream(block('refusal', 'zebra')), mark: '"text":"zebra"', ...everywhere },
  { event: 'finish: length', events: stream(block('text', 'a'), 'length'), mark: '"reason":"length"', ...everywhere },
  { event: 'finish: tool calls', events: stream(TOOL, 'tool_calls'), mark: '"reason":"tool_calls"', ...everywhere },
  {
    event: 'usage',
    events: stream(block('text', 'a'), 'stop', {
      ...NO_USAGE,
      inputTokens: 90,
      cachedReadTokens: 40,
      outputTokens: 12,
    }),
    mark: '"inputTokens":90,"cachedReadTokens":40',
    ...everywhere,
  },
  {
    event: 'error',
    events: [
      ...stream(block('text', 'a')).slice(0, 4),
      { type: 'error', error: { type: 'server', status: null, message: 'zebra', code: null, field: null } },
    ],
    mark: 'zebra',
    ...everywhere,
  },
];
