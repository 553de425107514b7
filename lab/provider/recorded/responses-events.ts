import { type WireEvent, numbered, response } from './responses-wire.ts';

// Numbers are given by `numbered`: the literals carry a place holder, because the SDK's types want the field.
const N = { sequence_number: 0 } as const;
const at = (item_id: string) => ({ ...N, output_index: 0, item_id }) as const;
const part = (item_id: string) => ({ ...at(item_id), content_index: 0 }) as const;
const summary = (item_id: string) => ({ ...at(item_id), summary_index: 0 }) as const;
const shell = { ...N, output_index: 0, command_index: 0 } as const;

const MESSAGE = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [] } as const;

const EVENTS = [
  { type: 'response.queued', ...N, response: response({ status: 'queued' }) },
  { type: 'response.created', ...N, response: response({ status: 'in_progress' }) },
  { type: 'response.in_progress', ...N, response: response({ status: 'in_progress' }) },
  {
    type: 'response.output_item.added',
    ...N,
    output_index: 0,
    item: { ...MESSAGE, content: [], status: 'in_progress' },
  },
  { type: 'response.reasoning_summary_part.added', ...summary('rs_1'), part: { type: 'summary_text', text: '' } },
  { type: 'response.reasoning_summary_text.delta', ...summary('rs_1'), delta: 'Weighed.' },
  { type: 'response.reasoning_summary_text.done', ...summary('rs_1'), text: 'Weighed.' },
  {
    type: 'response.reasoning_summary_part.done',
    ...summary('rs_1'),
    part: { type: 'summary_text', text: 'Weighed.' },
  },
  { type: 'response.reasoning_text.delta', ...part('rs_1'), delta: 'Weigh.' },
  { type: 'response.reasoning_text.done', ...part('rs_1'), text: 'Weigh.' },
  { type: 'response.content_part.added', ...part('msg_1'), part: { type: 'output_text', text: '', annotations: [] } },
  { type: 'response.output_text.delta', ...part('msg_1'), delta: 'Hi 🐙', logprobs: [] },
  {
    type: 'response.output_text.annotation.added',
    ...part('msg_1'),
    annotation_index: 0,
    annotation: { type: 'url_citation', url: 'https://example.com/a', title: 'A', start_index: 0, end_index: 2 },
  },
  { type: 'response.output_text.done', ...part('msg_1'), text: 'Hi 🐙', logprobs: [] },
  {
    type: 'response.content_part.done',
    ...part('msg_1'),
    part: { type: 'output_text', text: 'Hi 🐙', annotations: [] },
  },
  { type: 'response.refusal.delta', ...part('msg_2'), delta: 'No.' },
  { type: 'response.refusal.done', ...part('msg_2'), refusal: 'No.' },
  { type: 'response.function_call_arguments.delta', ...at('fc_1'), delta: '{}' },
  { type: 'response.function_call_arguments.done', ...at('fc_1'), arguments: '{}' },
  { type: 'response.custom_tool_call_input.delta', ...at('ctc_1'), delta: 'print(1)' },
  { type: 'response.custom_tool_call_input.done', ...at('ctc_1'), input: 'print(1)' },
  { type: 'response.web_search_call.in_progress', ...at('ws_1') },
  { type: 'response.web_search_call.searching', ...at('ws_1') },
  { type: 'response.web_search_call.completed', ...at('ws_1') },
  { type: 'response.file_search_call.in_progress', ...at('fs_1') },
  { type: 'response.file_search_call.searching', ...at('fs_1') },
  { type: 'response.file_search_call.completed', ...at('fs_1') },
  { type: 'response.code_interpreter_call.in_progress', ...at('ci_1') },
  { type: 'response.code_interpreter_call.interpreting', ...at('ci_1') },
  { type: 'response.code_interpreter_call_code.delta', ...at('ci_1'), delta: '2+2' },
  { type: 'response.code_interpreter_call_code.done', ...at('ci_1'), code: '2+2' },
  { type: 'response.code_interpreter_call.completed', ...at('ci_1') },
  { type: 'response.image_generation_call.in_progress', ...at('ig_1') },
  { type: 'response.image_generation_call.generating', ...at('ig_1') },
  {
    type: 'response.image_generation_call.partial_image',
    ...at('ig_1'),
    partial_image_b64: 'aGk=',
    partial_image_index: 0,
  },
  { type: 'response.image_generation_call.completed', ...at('ig_1') },
  { type: 'response.mcp_list_tools.in_progress', ...at('mcpl_1') },
  { type: 'response.mcp_list_tools.completed', ...at('mcpl_1') },
  { type: 'response.mcp_list_tools.failed', ...at('mcpl_2') },
  { type: 'response.mcp_call.in_progress', ...at('mcp_1') },
  { type: 'response.mcp_call_arguments.delta', ...at('mcp_1'), delta: '{}' },
  { type: 'response.mcp_call_arguments.done', ...at('mcp_1'), arguments: '{}' },
  { type: 'response.mcp_call.completed', ...at('mcp_1') },
  { type: 'response.mcp_call.failed', ...at('mcp_2') },
  { type: 'response.shell_call_command.added', ...shell, command: '' },
  { type: 'response.shell_call_command.delta', ...shell, delta: 'ls' },
  { type: 'response.shell_call_command.done', ...shell, command: 'ls' },
  { type: 'response.shell_call_output_content.delta', ...shell, item_id: 'sh_1', delta: { stdout: 'a\n' } },
  {
    type: 'response.shell_call_output_content.done',
    ...shell,
    item_id: 'sh_1',
    output: [{ stdout: 'a\n', stderr: '', outcome: { type: 'exit', exit_code: 0 } }],
  },
  { type: 'response.compaction.compacting', ...at('cmp_1') },
  { type: 'response.audio.delta', ...N, delta: 'UklGRg==' },
  { type: 'response.audio.done', ...N },
  { type: 'response.audio.transcript.delta', ...N, delta: 'Hi' },
  { type: 'response.audio.transcript.done', ...N },
  { type: 'response.output_item.done', ...N, output_index: 0, item: { ...MESSAGE, content: [] } },
  { type: 'error', ...N, code: 'server_error', message: 'The server had an error.', param: null },
  { type: 'response.failed', ...N, response: response({ status: 'failed' }) },
  { type: 'response.incomplete', ...N, response: response({ status: 'incomplete' }) },
  { type: 'response.completed', ...N, response: response({ status: 'completed' }) },
] satisfies WireEvent[];

// Does not compile while a type of the SDK's union has no event above.
type Missing = Exclude<WireEvent['type'], (typeof EVENTS)[number]['type']>;
const complete: [Missing] extends [never] ? true : Missing = true;

/** Each type of the SDK's union once; no real stream, but each event as one would carry it. */
export const EVERY_EVENT: readonly WireEvent[] = complete && numbered(EVENTS);
