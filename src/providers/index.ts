import type { ProviderData } from './provider-data.ts';
import { anthropic } from './data/anthropic.ts';
import { anthropicCompatible } from './data/anthropic-compatible.ts';
import { azure } from './data/azure.ts';
import { azureDeployments } from './data/azure-deployments.ts';
import { bedrock } from './data/bedrock.ts';
import { bedrockClaude } from './data/bedrock-claude.ts';
import { bedrockMessages } from './data/bedrock-messages.ts';
import { bedrockOpenai } from './data/bedrock-openai.ts';
import { chatgpt } from './data/chatgpt.ts';
import { cohere } from './data/cohere.ts';
import { deepseek } from './data/deepseek.ts';
import { fireworks } from './data/fireworks.ts';
import { foundry } from './data/foundry.ts';
import { foundryClaude } from './data/foundry-claude.ts';
import { gemini } from './data/gemini.ts';
import { google } from './data/google.ts';
import { groq } from './data/groq.ts';
import { jina } from './data/jina.ts';
import { lab, labChat, labGoogle, labMessages, labResponses } from './data/lab.ts';
import { llamaCpp } from './data/llama-cpp.ts';
import { mistral } from './data/mistral.ts';
import { ollama } from './data/ollama.ts';
import { openai } from './data/openai.ts';
import { openaiCompatible } from './data/openai-compatible.ts';
import { openrouter } from './data/openrouter.ts';
import { sglang } from './data/sglang.ts';
import { tei } from './data/tei.ts';
import { together } from './data/together.ts';
import { vertexClaude } from './data/vertex-claude.ts';
import { vertexGemini } from './data/vertex-gemini.ts';
import { vertexOpenai } from './data/vertex-openai.ts';
import { vllm } from './data/vllm.ts';
import { voyage } from './data/voyage.ts';

export {
  dialectFor,
  dialectsFor,
  headersOf,
  makeProvider,
  pathOf,
  storedPathOf,
  retryableStatus,
  type Provider,
} from './interpreter.ts';
export {
  Transport,
  type UpstreamControl,
  type UpstreamFailure,
  type UpstreamHandler,
  type UpstreamRequest,
} from './transport.ts';
export { USUAL_MODELS, usableProviders } from './usual-models.ts';
export type { ContinuationRule } from './continues.ts';
export type { ProviderData, Timers } from './provider-data.ts';

/** Every provider kind by name. */
export const PROVIDERS: Readonly<Record<string, ProviderData>> = Object.fromEntries(
  [
    anthropic,
    anthropicCompatible,
    azure,
    azureDeployments,
    bedrock,
    bedrockClaude,
    bedrockMessages,
    bedrockOpenai,
    chatgpt,
    cohere,
    deepseek,
    fireworks,
    foundry,
    foundryClaude,
    gemini,
    google,
    groq,
    jina,
    lab,
    labChat,
    labGoogle,
    labMessages,
    labResponses,
    llamaCpp,
    mistral,
    ollama,
    openai,
    openaiCompatible,
    openrouter,
    sglang,
    tei,
    together,
    vertexClaude,
    vertexGemini,
    vertexOpenai,
    vllm,
    voyage,
  ].map((data) => [data.name, data]),
);
export { Deadlines, type Deadline } from './deadlines.ts';
