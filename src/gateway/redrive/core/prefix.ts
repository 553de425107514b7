import type { CanonicalEvent } from '#wire/canonical.ts';
import { mergeUsage, type Usage } from '#wire/usage.ts';

/** Why nobody goes on with a stream. In its terminal event as `reason`. */
export type NoRedrive =
  /** Of what was sent: a provider takes a text to go on with, and nothing else. */
  | 'tool_call_in_flight'
  | 'reasoning_in_flight'
  | 'refusal_in_flight'
  | 'several_choices'
  | 'logprobs'
  | 'opaque_events'
  | 'answer_was_whole'
  /** Of the request. */
  | 'structured_output'
  | 'reasoning_asked'
  | 'tool_choice_forced'
  | 'kept_by_provider'
  | 'prompt_no_text'
  | 'echo_or_suffix'
  | 'dialect'
  | 'request_unreadable'
  /** Of the deployments of the model. */
  | 'provider_cannot_continue'
  | 'deadline_exceeded'
  | 'key_gone'
  | 'log_too_large'
  /** The call was made, and came to nothing; its entry says why. */
  | 'redrive_failed';

/** What readers have of an answer whose producer is gone. */
export interface Prefix {
  /** Its first event was sent. */
  readonly started: boolean;
  /** What its deltas say, in order. */
  readonly text: string;
  /** The block of text that is open; null: none is. */
  readonly openBlock: number | null;
  /** The number of the next block. */
  readonly nextBlock: number;
  /** As far as its events say it. */
  readonly usage: Usage | null;
  /** For an encoder that goes on behind it. */
  readonly steps: readonly CanonicalEvent[];
}

/** Reads the steps of a prefix, or why nothing can go on behind it. Pure. */
export function prefixOf(events: Iterable<readonly CanonicalEvent[]>): Prefix | NoRedrive {
  const steps: CanonicalEvent[] = [];
  const state = { started: false, text: '', open: null as number | null, next: 0, usage: null as Usage | null };
  for (const step of flat(events)) {
    const why = refused(step);
    if (why !== null) return why;
    steps.push(step);
    take(state, step);
  }
  const { started, text, open, next, usage } = state;
  return { started, text, openBlock: open, nextBlock: next, usage, steps };
}

function* flat(events: Iterable<readonly CanonicalEvent[]>): Generator<CanonicalEvent> {
  for (const each of events) yield* each;
}

interface State {
  started: boolean;
  text: string;
  open: number | null;
  next: number;
  usage: Usage | null;
}

function take(state: State, step: CanonicalEvent): void {
  if (step.type !== 'ping') state.started = true;
  if (step.type === 'block_start') [state.open, state.next] = [step.block, Math.max(state.next, step.block + 1)];
  else if (step.type === 'block_stop' && step.block === state.open) state.open = null;
  else if (step.type === 'delta') state.text += step.text;
  else if (step.type === 'usage') state.usage = mergeUsage(state.usage, step.usage);
}

const KINDS = {
  reasoning: 'reasoning_in_flight',
  tool_call: 'tool_call_in_flight',
  refusal: 'refusal_in_flight',
} as const;

function refused(step: CanonicalEvent): NoRedrive | null {
  if ('choice' in step && step.choice > 0) return 'several_choices';
  switch (step.type) {
    case 'block_start':
      return step.kind === 'text' ? null : KINDS[step.kind];
    case 'delta':
      return step.logprobs === undefined || step.logprobs === null ? null : 'logprobs';
    case 'finish':
    case 'end':
    case 'error':
      return 'answer_was_whole';
    case 'signature':
    case 'annotation':
    case 'opaque':
      return 'opaque_events';
    default:
      return null;
  }
}
