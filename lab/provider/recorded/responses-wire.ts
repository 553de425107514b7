import type { Response, ResponseStreamEvent } from 'openai/resources/responses/responses.js';

/** `output_text` is the SDK's own convenience and never on the wire. */
export type WireResponse = Omit<Response, 'output_text'>;

type Wire<Event> = Event extends { response: Response } ? Omit<Event, 'response'> & { response: WireResponse } : Event;

/** Each event of the SDK's union as the wire has it. */
export type WireEvent = Wire<ResponseStreamEvent>;

export const response = (more: Partial<WireResponse>): WireResponse => ({
  id: 'resp_lab0001',
  object: 'response',
  created_at: 1_764_000_000,
  status: 'completed',
  access_programs: null,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  model: 'gpt-5-2025-08-07',
  output: [],
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: 'medium', summary: null },
  service_tier: 'default',
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  truncation: 'disabled',
  ...more,
});

/** Numbers events in their order, as the API does. */
export const numbered = (events: readonly WireEvent[]): WireEvent[] =>
  events.map((event, sequence_number) => ({ ...event, sequence_number }));
