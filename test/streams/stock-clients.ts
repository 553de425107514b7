import { loadSdks } from '../harness/sdks.ts';

type Fetch = typeof globalThis.fetch;
export type Sdks = Awaited<ReturnType<typeof loadSdks>>;

/** Where a client asks, and as whom. */
export interface Asked {
  readonly url: string;
  readonly key: string;
  /** Of the provider that speaks the client's own API; `crossed` is one that speaks another. */
  readonly models: { readonly own: string; readonly crossed: string };
  readonly headers?: Readonly<Record<string, string>>;
  /** Every item that the client yielded, as it came. */
  readonly saw?: (item: any) => void;
}
/** Reads one answer to `hi` as a stream, and returns its text. Throws what the client throws. */
export type Read = (asked: Asked) => Promise<string>;

/** Official clients by their own streams, over the fetch that is given. */
export function stockClients(sdks: Sdks, fetch: Fetch): Readonly<Record<string, Read>> {
  const joined = async <T>(
    items: AsyncIterable<T>,
    { saw }: Asked,
    textOf: (item: T) => string | null | undefined,
  ): Promise<string> => {
    let text = '';
    for await (const item of items) {
      saw?.(item);
      text += textOf(item) ?? '';
    }
    return text;
  };
  const base = ({ url, key, headers }: Asked) => ({
    ...{ baseURL: `${url}/v1`, apiKey: key, fetch, maxRetries: 0 },
    ...(headers && { defaultHeaders: headers, headers }),
  });
  const messages = [{ role: 'user' as const, content: 'hi' }];

  /** Throws what the AI SDK would hand to `onError`. */
  const textStream = (asked: Asked, model: unknown): Promise<string> => {
    const { fullStream } = sdks.ai.streamText({ model, prompt: 'hi', maxRetries: 0, onError: () => undefined });
    return joined(fullStream as AsyncIterable<any>, asked, (part) => {
      if (part.type === 'error') throw part.error;
      return part.type === 'text-delta' ? part.text : '';
    });
  };

  async function withFetch<T>(run: () => Promise<T>): Promise<T> {
    const own = globalThis.fetch;
    globalThis.fetch = fetch;
    try {
      return await run();
    } finally {
      globalThis.fetch = own;
    }
  }

  return {
    'openai, chat': async (asked) => {
      const client = new sdks.OpenAI(base(asked));
      const stream = await client.chat.completions.create({ model: asked.models.own, messages, stream: true });
      return joined(stream, asked, (chunk) => chunk.choices[0]?.delta.content);
    },
    'openai, responses': async (asked) => {
      const client = new sdks.OpenAI(base(asked));
      const stream = await client.responses.create({ model: asked.models.own, input: 'hi', stream: true });
      return joined(stream, asked, (event) => (event.type === 'response.output_text.delta' ? event.delta : ''));
    },
    '@anthropic-ai/sdk': async (asked) => {
      const client = new sdks.Anthropic({ ...base(asked), baseURL: asked.url });
      const asking = { model: asked.models.own, max_tokens: 9, messages, stream: true } as const;
      const stream = await client.messages.create(asking);
      return joined(stream, asked, (event: any) => (event.delta?.type === 'text_delta' ? event.delta.text : ''));
    },
    '@google/genai': (asked) =>
      withFetch(async () => {
        const { url, key, headers, models } = asked;
        const client = new sdks.genai.GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: url, headers } });
        const stream = await client.models.generateContentStream({ model: models.crossed, contents: 'hi' });
        return joined(stream as AsyncIterable<any>, asked, (chunk) => chunk.text);
      }),
    'ai with @ai-sdk/openai, chat': (asked) => textStream(asked, sdks.createOpenAI(base(asked)).chat(asked.models.own)),
    'ai with @ai-sdk/openai, responses': (asked) =>
      textStream(asked, sdks.createOpenAI(base(asked)).responses(asked.models.crossed)),
    'ai with @ai-sdk/anthropic': (asked) => textStream(asked, sdks.createAnthropic(base(asked))(asked.models.own)),
    'ai with @ai-sdk/google': (asked) => {
      const google = sdks.createGoogle({ ...base(asked), baseURL: `${asked.url}/v1beta` });
      return textStream(asked, google(asked.models.crossed));
    },
    'ai, DefaultChatTransport': async (asked) => {
      const transport = new sdks.ai.DefaultChatTransport({
        ...{ api: `${asked.url}/v1/ui/chat`, fetch, body: { model: asked.models.own } },
        headers: { ...asked.headers, authorization: `Bearer ${asked.key}` },
      });
      const said = [{ id: 'u', role: 'user', parts: [{ type: 'text', text: 'hi' }] }];
      const stream = await transport.sendMessages({ chatId: 'c', messages: said, trigger: 'submit-message' });
      return joined(stream as AsyncIterable<any>, asked, (chunk) => {
        if (chunk.type === 'error') throw new Error(chunk.errorText);
        return chunk.type === 'text-delta' ? chunk.delta : '';
      });
    },
  };
}

/** What a client threw, with every cause: SDKs keep it at different places (Anthropic's drops it, and says that the time was out). */
export function wordsOf(thrown: unknown): string {
  const seen: string[] = [];
  for (let one: any = thrown; one && seen.length < 8; one = one.cause)
    seen.push([one.code, one.message ?? String(one)].filter(Boolean).join(' '));
  return seen.join(' < ');
}

/** In the {@link wordsOf} of a stream that the client's own idle timer has ended. */
export const TIMER_ENDED = /UND_ERR_(HEADERS|BODY)_TIMEOUT|Request timed out/;
