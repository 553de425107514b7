import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type OpenAI from 'openai';
import type Anthropic from '@anthropic-ai/sdk';

const folder = join(import.meta.dirname, '..', 'sdk');
const need = createRequire(join(folder, 'package.json'));

/** Why tests with the official SDKs are skipped, or false where they can run. */
export const sdksSkip: string | false = ['openai', 'cohere-ai', 'voyageai'].every((name) =>
  existsSync(join(folder, 'node_modules', name)),
)
  ? false
  : 'the official SDKs are not installed (npm run test:sdks:install)';

const load = (name: string): Promise<any> => import(pathToFileURL(need.resolve(name)).href);

/** The vendors' own clients for embeddings and rerank, which are CommonJS. */
export function loadVendorSdks() {
  const { CohereClientV2 } = need('cohere-ai') as typeof import('cohere-ai');
  const { VoyageAIClient } = need('voyageai') as typeof import('voyageai');
  return { CohereClientV2, VoyageAIClient };
}

/** OpenAI's client and its WebSocket of the Responses API. */
export async function loadResponsesSocket() {
  const [openai, ws] = await Promise.all(['openai', 'openai/resources/responses/ws'].map(load));
  return { OpenAI: (openai.OpenAI ?? openai.default) as typeof OpenAI, ResponsesWS: ws.ResponsesWS };
}

/** The official client libraries, from their own folder: they are no dependency of the product. */
export async function loadSdks() {
  const [openai, anthropic, ai, aiOpenai, aiAnthropic, genai, aiGoogle] = await Promise.all(
    ['openai', '@anthropic-ai/sdk', 'ai', '@ai-sdk/openai', '@ai-sdk/anthropic', '@google/genai', '@ai-sdk/google'].map(
      load,
    ),
  );
  return {
    OpenAI: (openai.OpenAI ?? openai.default) as typeof OpenAI,
    Anthropic: (anthropic.Anthropic ?? anthropic.default) as typeof Anthropic,
    ai,
    createOpenAI: aiOpenai.createOpenAI,
    createAnthropic: aiAnthropic.createAnthropic,
    genai,
    createGoogle: aiGoogle.createGoogleGenerativeAI,
  };
}
