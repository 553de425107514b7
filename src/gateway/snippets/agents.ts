import { chatStep, googleStep, messagesStep, responsesStep, type ClientSnippets } from './snippet.ts';

const RUN =
  'the client itself does a task of ten turns with these settings in test/clients, over each of the three APIs that a provider may speak';

export const claudeCode: ClientSnippets = {
  name: 'claude-code',
  title: 'Claude Code',
  kind: 'agent',
  snippets: [
    {
      place: 'shell',
      language: 'sh',
      text: `export ANTHROPIC_BASE_URL={{url}}
export ANTHROPIC_AUTH_TOKEN={{key}}
export ANTHROPIC_MODEL={{model}}
export CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1
claude`,
    },
    {
      place: '~/.claude/settings.json, instead of the shell',
      language: 'json',
      text: `{
  "env": {
    "ANTHROPIC_BASE_URL": "{{url}}",
    "ANTHROPIC_AUTH_TOKEN": "{{key}}",
    "ANTHROPIC_MODEL": "{{model}}",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"
  }
}`,
    },
  ],
  probe: [
    { method: 'HEAD', path: '/', headers: { 'user-agent': 'claude-cli/2.1.197 (external, cli)' }, body: null },
    messagesStep('claude-cli/2.1.197 (external, cli)', '/v1/messages?beta=true', {
      authorization: 'Bearer {{key}}',
      'anthropic-version': '2023-06-01',
      'anthropic-beta': 'claude-code-20250219,interleaved-thinking-2025-05-14',
      'x-claude-code-session-id': 'headgate-connect',
    }),
  ],
  models: /claude|anthropic/,
  needsPublicHttps: false,
  notes: [
    'The address has no /v1: the client adds it.',
    'An ANTHROPIC_API_KEY that is set beside it is a second credential, and two different ones are refused: unset it.',
    'Its session becomes the session of the ledger: headgate sessions list shows a task.',
  ],
  limits: [
    'Where several tenants share one key of a provider, answers do not say what of their prompt came of its cache: its cost display counts all input as fresh. The bill does not.',
    'Over a model of another API, hints that only Anthropic has (context edits, cache markers, beta switches) are left out; `headgate calls show` lists them.',
  ],
  checked: `${RUN} (2.1.197)`,
};

export const codex: ClientSnippets = {
  name: 'codex',
  title: 'Codex CLI',
  kind: 'agent',
  snippets: [
    {
      place: '~/.codex/config.toml',
      language: 'toml',
      text: `model = "{{model}}"
model_provider = "headgate"

[model_providers.headgate]
name = "Headgate"
base_url = "{{url}}/v1"
env_key = "HEADGATE_KEY"
wire_api = "responses"`,
    },
    { place: 'shell', language: 'sh', text: 'export HEADGATE_KEY={{key}}\ncodex' },
  ],
  probe: [responsesStep('codex_exec/0.169.0', { stream: true, store: false })],
  models: null,
  needsPublicHttps: false,
  notes: ['The key stands in the environment, not in the file.'],
  limits: [
    'A model that does not speak Responses cannot express two of its tools: add `web_search = "disabled"` and, below `[features]`, `multi_agent = false`.',
    'A spent budget is asked for six times within seven seconds before it gives up: it retries every 402.',
    'It marks nothing for a cache: prompts to a model of Anthropic are not cached.',
  ],
  checked: `${RUN} (0.169.0)`,
};

export const geminiCli: ClientSnippets = {
  name: 'gemini-cli',
  title: 'Gemini CLI',
  kind: 'agent',
  snippets: [
    {
      place: 'shell',
      language: 'sh',
      text: `export GOOGLE_GEMINI_BASE_URL={{url}}
export GEMINI_API_KEY={{key}}
export GEMINI_MODEL={{model}}
gemini`,
    },
    {
      place: '~/.gemini/settings.json',
      language: 'json',
      text: `{
  "security": { "auth": { "selectedType": "gemini-api-key" } }
}`,
    },
  ],
  probe: [googleStep('GeminiCLI/0.61.0 (linux; x64)', 'streamGenerateContent?alt=sse')],
  models: null,
  needsPublicHttps: false,
  notes: [
    'The address has no version: the client adds it.',
    'Without the settings file it takes another address for a gateway with a login of its own, and ends with "Invalid auth method selected".',
    'Helpers of its own (summaries, checks for loops) ask for models by name, such as gemini-2.5-flash: a model `gemini-*` serves them.',
  ],
  limits: [],
  checked: 'the client itself was run once with these settings (0.61.0)',
};

export const opencode: ClientSnippets = {
  name: 'opencode',
  title: 'opencode',
  kind: 'agent',
  snippets: [
    {
      place: 'opencode.json of the project, or ~/.config/opencode/opencode.json',
      language: 'json',
      text: `{
  "$schema": "https://opencode.ai/config.json",
  "provider": {
    "headgate": {
      "npm": "@ai-sdk/openai-compatible",
      "name": "Headgate",
      "options": { "baseURL": "{{url}}/v1", "apiKey": "{env:HEADGATE_KEY}" },
      "models": { "{{model}}": {} }
    }
  },
  "model": "headgate/{{model}}"
}`,
    },
    { place: 'shell', language: 'sh', text: 'export HEADGATE_KEY={{key}}\nopencode' },
  ],
  probe: [chatStep('opencode/1.18.33', { stream: true, stream_options: { include_usage: true } })],
  models: null,
  needsPublicHttps: false,
  notes: ['Each model that it may choose is an entry of `models`.'],
  limits: [],
  checked: `${RUN} (1.18.33)`,
};

export const pi: ClientSnippets = {
  name: 'pi',
  title: 'pi',
  kind: 'agent',
  snippets: [
    {
      place: '~/.pi/agent/models.json',
      language: 'json',
      text: `{
  "providers": {
    "headgate": {
      "baseUrl": "{{url}}/v1",
      "api": "openai-completions",
      "apiKey": "HEADGATE_KEY",
      "compat": { "sendSessionAffinityHeaders": true },
      "models": [{ "id": "{{model}}" }]
    }
  }
}`,
    },
    { place: 'shell', language: 'sh', text: 'export HEADGATE_KEY={{key}}\npi --provider headgate --model {{model}}' },
  ],
  probe: [chatStep('OpenAI/JS 6.26.0', { stream: true, stream_options: { include_usage: true } })],
  models: null,
  needsPublicHttps: false,
  notes: [
    '`apiKey` is the name of a variable; it is read when pi starts.',
    'Without `sendSessionAffinityHeaders` it does not say which calls are one task, and `headgate sessions` does not know it.',
  ],
  limits: [
    'Its call for a summary names no session; every other call of a task does.',
    'It marks nothing for a cache: prompts to a model of Anthropic are not cached.',
  ],
  checked: `${RUN} (0.73.1)`,
};

export const cursor: ClientSnippets = {
  name: 'cursor',
  title: 'Cursor',
  kind: 'agent',
  snippets: [
    {
      place: 'Cursor Settings → Models → API Keys',
      language: 'text',
      text: `OpenAI API Key             {{key}}
Override OpenAI Base URL   {{url}}/v1
Add model                  {{model}}`,
    },
  ],
  probe: [
    {
      method: 'POST',
      path: '/v1/chat/completions',
      headers: { authorization: 'Bearer {{key}}', 'content-type': 'application/json' },
      // Its agent mode sends a body of the Responses API here (clients.md 6).
      body: { model: '{{model}}', input: [{ role: 'user', content: 'Say hello.' }], stream: true },
    },
  ],
  models: null,
  needsPublicHttps: true,
  notes: [
    'Cursor calls from its own servers: the address must be public and HTTPS, so put a proxy with a certificate before the gate.',
    'It cannot send headers of its own; the key’s default feature says whose calls they are.',
  ],
  limits: ['The client cannot be run here: what is known of it comes from reports of its users.'],
  checked: 'from reports of its users; the client cannot be run here',
};
