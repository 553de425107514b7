/** The pieces of an answer's text, as the gate's hash counts them: of text blocks, without reasoning and refusals. */
export function textIn(value: Any): string {
  if (value?.type === 'batch') return list(value.frames).map(textIn).join('');
  if (value?.type === 'delta') return value.kind === 'text' ? textOf(value.text) : '';
  return value === null ? '' : apiText(value);
}

function apiText(value: Any): string {
  if (value.type === 'response.output_text.delta') return textOf(value.delta);
  if (value.type === 'content_block_delta') return value.delta?.type === 'text_delta' ? textOf(value.delta.text) : '';
  const choices = list(value.choices).map((choice) => textOf(choice.delta?.content ?? choice.text));
  const parts = list(value.candidates)
    .flatMap((candidate) => list(candidate.content?.parts))
    .map((part) => (part.thought ? '' : textOf(part.text)));
  return [...choices, ...parts].join('');
}

/** JSON of a provider: nothing of its form is known before it is looked at. */
type Any = any;
const list = (value: unknown): Any[] => (Array.isArray(value) ? value : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** SHA-256 in hex; null where this page has none: browsers give it to secure contexts alone. */
export async function sha256(text: string): Promise<string | null> {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) return null;
  const digest = await subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
