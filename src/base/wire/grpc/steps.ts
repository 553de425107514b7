import type { MessageInitShape } from '@bufbuild/protobuf';
import type { CanonicalAnswer, CanonicalEvent, Part } from '../canonical.ts';
import type { Usage } from '../usage.ts';
import type { ChoiceSchema, StepSchema, UsageSchema } from './headgate-messages.ts';

export type StepInit = Extract<MessageInitShape<typeof StepSchema>, { readonly $typeName?: never }>;
type ChoiceInit = MessageInitShape<typeof ChoiceSchema>;
type UsageInit = MessageInitShape<typeof UsageSchema>;
type Kind = Extract<CanonicalEvent, { readonly type: 'block_start' }>['kind'];

const KINDS = { text: 'text', reasoning: 'reasoning', refusal: 'refusal', tool_call: 'toolArguments' } as const;

/** Steps of an answer as the messages that say them. Stateful: a delta belongs to a block that began before it. */
export class MessageSteps {
  readonly #kinds = new Map<number, Kind>();

  of(events: readonly CanonicalEvent[]): StepInit[] {
    const out: StepInit[] = [];
    for (const event of events) {
      const step = this.#step(event);
      if (step) out.push(step);
    }
    return out;
  }

  #step(event: CanonicalEvent): StepInit | null {
    switch (event.type) {
      case 'block_start': {
        const { choice, block, kind, id = '', name = '' } = event;
        this.#kinds.set(keyOf(event), kind);
        return kind === 'tool_call' ? { kind: { case: 'toolStart', value: { choice, block, id, name } } } : null;
      }
      case 'delta': {
        const { choice, block, text } = event;
        const kind = this.#kinds.get(keyOf(event)) ?? 'text';
        return { kind: { case: KINDS[kind], value: { choice, block, text } } };
      }
      case 'finish':
        return { kind: { case: 'finish', value: { choice: event.choice, reason: event.reason } } };
      case 'usage':
        return { kind: { case: 'usage', value: usageMessage(event.usage) } };
      case 'error':
        return { kind: { case: 'failure', value: { type: event.error.type, message: event.error.message } } };
      default:
        return null;
    }
  }
}

const keyOf = ({ choice, block }: { choice: number; block: number }): number => choice * 65_536 + block;

export function usageMessage(usage: Usage): UsageInit {
  const counts = {
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    cachedReadTokens: usage.cachedReadTokens,
    cacheWriteTokens: usage.cacheWriteTokens,
    reasoningTokens: usage.reasoningTokens,
  };
  const known = Object.entries(counts).filter(([, count]) => count !== null);
  return Object.fromEntries(known.map(([name, count]) => [name, BigInt(count!)]));
}

/** A whole answer's choices. */
export const choiceMessages = ({ choices }: CanonicalAnswer): ChoiceInit[] =>
  choices.map(({ parts, finish }, index) => ({
    ...{ index, finish },
    text: joined(parts, 'text'),
    reasoning: joined(parts, 'reasoning'),
    refusal: joined(parts, 'refusal'),
    toolCalls: parts.flatMap((part) =>
      part.type === 'tool_call' ? [{ id: part.id, name: part.name, arguments: part.args }] : [],
    ),
  }));

const joined = (parts: readonly Part[], type: 'text' | 'reasoning' | 'refusal'): string =>
  parts.reduce((text, part) => (part.type === type ? text + part.text : text), '');
