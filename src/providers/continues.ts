import type { DialectName } from '#wire/canonical.ts';

/** How a provider goes on with a text that stands in the last message, the assistant's. */
export interface ContinuationRule {
  /** Model ids at the provider that do so; absent: all. */
  readonly models?: RegExp;
  /** Members of the body that ask for it, as JSON text. */
  readonly set?: Readonly<Record<string, string>>;
}
export type Continues = Readonly<Partial<Record<DialectName, ContinuationRule>>>;

/** vLLM, SGLang and, since May 2026, llama.cpp: without these a last message of the assistant is one that is over. */
const FINAL_MESSAGE: ContinuationRule = {
  set: { continue_final_message: 'true', add_generation_prompt: 'false' },
};

/**
 * Claude up to 4.5: from 4.6 on a request whose last message is the assistant's is a 400
 * (https://platform.claude.com/docs/en/about-claude/models/whats-new-claude-4-6#prefill-removal, as of 2026-11).
 */
const CLAUDE_PREFILL = /(^|[./])claude-(3|(opus|sonnet|haiku)-4(-[0-5])?(?=$|@|:|-v\d|-\d{8}))/;

/** The prompt of a legacy completion is the text to go on with: whoever takes one goes on with it. */
export const COMPLETIONS_CONTINUE: Continues = { 'openai-completions': {} };

export const CLAUDE_CONTINUES: Continues = { 'anthropic-messages': { models: CLAUDE_PREFILL } };
/** Claude alone: other models of Bedrock refuse a last turn of the assistant's, or begin anew behind it. */
export const CONVERSE_CONTINUES: Continues = { 'bedrock-converse': { models: CLAUDE_PREFILL } };
export const OPEN_SERVER_CONTINUES: Continues = { 'openai-chat': FINAL_MESSAGE };

/** The simulated provider's: chats as open servers do it, messages as Anthropic does for models that have it. */
export const LAB_CONTINUES: Continues = { 'openai-chat': FINAL_MESSAGE, 'anthropic-messages': {} };

/**
 * What an operator says of a provider whose data file cannot know. Gemini has been seen to go on with a last turn of the
 * model's; Google's pages do not say so.
 */
export const CONTINUES = {
  prefill: {
    ...COMPLETIONS_CONTINUE,
    ...{ 'openai-chat': {}, 'anthropic-messages': {}, 'bedrock-converse': {}, 'google-generate': {} },
  },
  'final-message': { ...COMPLETIONS_CONTINUE, 'openai-chat': FINAL_MESSAGE },
  never: {},
} as const satisfies Record<string, Continues>;
