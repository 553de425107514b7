import { chatStep, googleStep, messagesStep, type ClientSnippets } from './snippet.ts';

const TESTED = 'run by the tests of this project';
const DOCS = 'from the documentation of the library';

export const openai: ClientSnippets = {
  name: 'openai',
  title: 'OpenAI SDK',
  kind: 'library',
  snippets: [
    {
      place: 'shell, without a change of code',
      language: 'sh',
      text: 'export OPENAI_BASE_URL={{url}}/v1\nexport OPENAI_API_KEY={{key}}',
    },
    {
      place: 'JavaScript',
      language: 'ts',
      text: `import OpenAI from 'openai';

const client = new OpenAI({ baseURL: '{{url}}/v1', apiKey: process.env.OPENAI_API_KEY });
const answer = await client.chat.completions.create({
  model: '{{model}}',
  messages: [{ role: 'user', content: 'Say hello.' }],
});
console.log(answer.choices[0].message.content);`,
    },
    {
      place: 'Python',
      language: 'python',
      text: `import os
from openai import OpenAI

client = OpenAI(base_url="{{url}}/v1", api_key=os.environ["OPENAI_API_KEY"])
answer = client.chat.completions.create(
    model="{{model}}", messages=[{"role": "user", "content": "Say hello."}]
)
print(answer.choices[0].message.content)`,
    },
  ],
  probe: [chatStep('OpenAI/JS 7.57.0')],
  models: null,
  needsPublicHttps: false,
  notes: ['`responses`, `embeddings` and `models` work with the same settings.'],
  limits: [],
  checked: `JavaScript: ${TESTED}; Python: ${DOCS}`,
};

export const anthropic: ClientSnippets = {
  name: 'anthropic',
  title: 'Anthropic SDK',
  kind: 'library',
  snippets: [
    {
      place: 'shell, without a change of code',
      language: 'sh',
      text: 'export ANTHROPIC_BASE_URL={{url}}\nexport ANTHROPIC_API_KEY={{key}}',
    },
    {
      place: 'JavaScript',
      language: 'ts',
      text: `import Anthropic from '@anthropic-ai/sdk';

const client = new Anthropic({ baseURL: '{{url}}', apiKey: process.env.ANTHROPIC_API_KEY });
const message = await client.messages.create({
  model: '{{model}}',
  max_tokens: 1024,
  messages: [{ role: 'user', content: 'Say hello.' }],
});
console.log(message.content);`,
    },
    {
      place: 'Python',
      language: 'python',
      text: `import os
from anthropic import Anthropic

client = Anthropic(base_url="{{url}}", api_key=os.environ["ANTHROPIC_API_KEY"])
message = client.messages.create(
    model="{{model}}", max_tokens=1024, messages=[{"role": "user", "content": "Say hello."}]
)
print(message.content)`,
    },
  ],
  probe: [
    messagesStep('Anthropic/JS 1.12.0', '/v1/messages', { 'x-api-key': '{{key}}', 'anthropic-version': '2023-06-01' }),
  ],
  models: null,
  needsPublicHttps: false,
  notes: [
    'The address has no /v1: the SDK adds it.',
    'An ANTHROPIC_AUTH_TOKEN that differs is a second credential: unset it.',
  ],
  limits: [],
  checked: `JavaScript: ${TESTED}; Python: ${DOCS}`,
};

export const google: ClientSnippets = {
  name: 'google',
  title: 'Google Gen AI SDK',
  kind: 'library',
  snippets: [
    {
      place: 'shell, without a change of code',
      language: 'sh',
      text: 'export GOOGLE_GEMINI_BASE_URL={{url}}\nexport GEMINI_API_KEY={{key}}',
    },
    {
      place: 'JavaScript',
      language: 'ts',
      text: `import { GoogleGenAI } from '@google/genai';

const ai = new GoogleGenAI({ apiKey: process.env.GEMINI_API_KEY, httpOptions: { baseUrl: '{{url}}' } });
const answer = await ai.models.generateContent({ model: '{{model}}', contents: 'Say hello.' });
console.log(answer.text);`,
    },
    {
      place: 'Python',
      language: 'python',
      text: `import os
from google import genai

client = genai.Client(api_key=os.environ["GEMINI_API_KEY"], http_options={"base_url": "{{url}}"})
answer = client.models.generate_content(model="{{model}}", contents="Say hello.")
print(answer.text)`,
    },
  ],
  probe: [googleStep('google-genai-sdk/3.3.0 gl-node/v26', 'generateContent')],
  models: null,
  needsPublicHttps: false,
  notes: [
    'The address has no /v1beta: the SDK adds it.',
    'The key goes in the header x-goog-api-key, as the SDK sends it; in a query it is refused.',
  ],
  limits: [],
  checked: `JavaScript: ${TESTED}; Python: ${DOCS}`,
};

export const aiSdk: ClientSnippets = {
  name: 'ai-sdk',
  title: 'Vercel AI SDK',
  kind: 'library',
  snippets: [
    { place: 'shell', language: 'sh', text: 'export HEADGATE_KEY={{key}}' },
    {
      place: 'TypeScript',
      language: 'ts',
      text: `import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { generateText } from 'ai';

const headgate = createOpenAICompatible({
  name: 'headgate',
  baseURL: '{{url}}/v1',
  apiKey: process.env.HEADGATE_KEY,
});
const { text } = await generateText({ model: headgate('{{model}}'), prompt: 'Say hello.' });
console.log(text);`,
    },
  ],
  probe: [chatStep('ai/7.0.173')],
  models: null,
  needsPublicHttps: false,
  notes: ['`@ai-sdk/openai` and `@ai-sdk/anthropic` work as well: baseURL ends in /v1 for both.'],
  limits: [],
  checked: TESTED,
};

export const langchain: ClientSnippets = {
  name: 'langchain',
  title: 'LangChain',
  kind: 'library',
  snippets: [
    { place: 'shell', language: 'sh', text: 'export HEADGATE_KEY={{key}}' },
    {
      place: 'Python',
      language: 'python',
      text: `import os
from langchain_openai import ChatOpenAI

llm = ChatOpenAI(model="{{model}}", base_url="{{url}}/v1", api_key=os.environ["HEADGATE_KEY"])
print(llm.invoke("Say hello.").content)`,
    },
    {
      place: 'JavaScript',
      language: 'ts',
      text: `import { ChatOpenAI } from '@langchain/openai';

const llm = new ChatOpenAI({
  model: '{{model}}',
  apiKey: process.env.HEADGATE_KEY,
  configuration: { baseURL: '{{url}}/v1' },
});
console.log((await llm.invoke('Say hello.')).content);`,
    },
  ],
  probe: [chatStep('langchainjs-openai/1.0.0')],
  models: null,
  needsPublicHttps: false,
  notes: [
    '`default_headers` (Python) and `configuration.defaultHeaders` (JavaScript) carry x-headgate-feature and the like.',
  ],
  limits: [],
  checked: `JavaScript: ${TESTED} (@langchain/openai 1.6.0); Python: ${DOCS}`,
};

export const llamaindex: ClientSnippets = {
  name: 'llamaindex',
  title: 'LlamaIndex',
  kind: 'library',
  snippets: [
    { place: 'shell', language: 'sh', text: 'export HEADGATE_KEY={{key}}' },
    { place: 'shell, for Python', language: 'sh', text: 'pip install llama-index-llms-openai-like' },
    {
      place: 'Python',
      language: 'python',
      text: `import os
from llama_index.llms.openai_like import OpenAILike

llm = OpenAILike(
    model="{{model}}",
    api_base="{{url}}/v1",
    api_key=os.environ["HEADGATE_KEY"],
    is_chat_model=True,
    is_function_calling_model=True,
)
print(llm.complete("Say hello."))`,
    },
    {
      place: 'JavaScript',
      language: 'ts',
      text: `import { OpenAI } from '@llamaindex/openai';

const llm = new OpenAI({ model: '{{model}}', baseURL: '{{url}}/v1', apiKey: process.env.HEADGATE_KEY });
const answer = await llm.complete({ prompt: 'Say hello.' });
console.log(answer.text);`,
    },
  ],
  probe: [chatStep('OpenAI/Python')],
  models: null,
  needsPublicHttps: false,
  notes: [
    'Python: set `context_window` to that of the model; the default is 3,900 tokens.',
    '`additionalSessionOptions.defaultHeaders` (JavaScript) carries x-headgate-session and the like.',
  ],
  limits: ['@llamaindex/openai is marked as no longer maintained by its authors.'],
  checked: `JavaScript: ${TESTED} (@llamaindex/openai 0.4.23); Python: ${DOCS}`,
};
