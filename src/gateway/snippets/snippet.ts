/** Settings of clients as data: the command line, the guide and the console draw them from here. No I/O, no imports. */

/** What a text is filled with: `{{url}}` without a slash at its end, `{{key}}`, `{{model}}`. */
export interface Filling {
  readonly url: string;
  readonly key: string;
  readonly model: string;
}

export interface Snippet {
  /** Where it goes, for people: `shell`, or a file. */
  readonly place: string;
  readonly language: 'sh' | 'toml' | 'json' | 'ts' | 'python' | 'text';
  /** With `{{url}}`, `{{key}}` and `{{model}}`. */
  readonly text: string;
}

/** One request, made the way the client makes it. */
export interface ProbeStep {
  readonly method: 'HEAD' | 'GET' | 'POST';
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Null: no body. Texts in it are filled as well. */
  readonly body: object | null;
}

export interface ClientSnippets {
  /** What `headgate connect` is asked for. */
  readonly name: string;
  readonly title: string;
  readonly kind: 'agent' | 'app' | 'library';
  readonly snippets: readonly Snippet[];
  /** How the client calls; the last step is the model call. */
  readonly probe: readonly ProbeStep[];
  /** Names of models that it can use; null: any. */
  readonly models: RegExp | null;
  /** Reached from the vendor's servers, or refuses anything but HTTPS. */
  readonly needsPublicHttps: boolean;
  readonly notes: readonly string[];
  /** What is known not to work, or to work otherwise than one would think. */
  readonly limits: readonly string[];
  /** How far the settings were checked. */
  readonly checked: string;
}

export function fill(text: string, { url, key, model }: Filling): string {
  return text.replaceAll('{{url}}', url).replaceAll('{{key}}', key).replaceAll('{{model}}', model);
}

/** The same in every text of a JSON value. */
export function fillAll<T>(value: T, filling: Filling): T {
  return JSON.parse(JSON.stringify(value), (_, part: unknown) =>
    typeof part === 'string' ? fill(part, filling) : part,
  ) as T;
}

/** A cheap question in each dialect. */
const QUESTION = 'Say hello.';
const BEARER = { authorization: 'Bearer {{key}}', 'content-type': 'application/json' } as const;

export const chatStep = (agent: string, more: object = {}): ProbeStep => ({
  method: 'POST',
  path: '/v1/chat/completions',
  headers: { ...BEARER, 'user-agent': agent },
  body: { model: '{{model}}', messages: [{ role: 'user', content: QUESTION }], max_tokens: 16, ...more },
});

export const responsesStep = (agent: string, more: object = {}): ProbeStep => ({
  method: 'POST',
  path: '/v1/responses',
  headers: { ...BEARER, 'user-agent': agent },
  body: {
    model: '{{model}}',
    input: [{ type: 'message', role: 'user', content: [{ type: 'input_text', text: QUESTION }] }],
    max_output_tokens: 16,
    ...more,
  },
});

export const googleStep = (agent: string, method: string): ProbeStep => ({
  method: 'POST',
  path: `/v1beta/models/{{model}}:${method}`,
  headers: { 'content-type': 'application/json', 'user-agent': agent, 'x-goog-api-key': '{{key}}' },
  body: { contents: [{ role: 'user', parts: [{ text: QUESTION }] }], generationConfig: { maxOutputTokens: 16 } },
});

export const messagesStep = (agent: string, path: string, headers: Readonly<Record<string, string>>): ProbeStep => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json', 'user-agent': agent, ...headers },
  body: { model: '{{model}}', max_tokens: 16, messages: [{ role: 'user', content: QUESTION }] },
});
