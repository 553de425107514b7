import type { ProviderData } from '../provider-data.ts';
import { SELF_HOSTED } from '../self-hosted.ts';

/** Ollama by its compatible endpoints. */
export const ollama: ProviderData = {
  ...SELF_HOSTED,
  name: 'ollama',
  title: 'Ollama',
  // OLLAMA_API_KEY is that of its cloud and must not reach another machine by default.
  keyVariable: null,
  paths: {
    'openai-chat': '/chat/completions',
    'openai-responses': '/responses',
    'openai-completions': '/completions',
    'openai-embeddings': '/embeddings',
    'anthropic-messages': '/messages',
  },
  notes: [
    'Set `baseUrl` to `http://HOST:11434/v1`, or `https://ollama.com/v1` with an `apiKey`.',
    'It ignores a limit called `max_completion_tokens`, and any key on a local server.',
    'Its Responses API keeps nothing. It has no count_tokens.',
    'A prompt longer than the context that it was started with is cut, not refused.',
    'The first call after a pause loads the model, which takes as long as the disk needs.',
  ],
  source: { url: 'https://docs.ollama.com/api/openai-compatibility', read: '2026-11-24' },
  verified: 'docs',
};
