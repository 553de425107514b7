import type { FieldClass } from '../canonical.ts';

/** A field of the request with a value that shows it, for the crossing table and its tests. */
export interface FieldSpec {
  /** `hint`: may be left out and is then listed. `meaning`: leaving it out changes the answer, so it is a 400. */
  readonly class: FieldClass;
  readonly sample: unknown;
}

const hint = (sample: unknown): FieldSpec => ({ class: 'hint', sample });
const meaning = (sample: unknown): FieldSpec => ({ class: 'meaning', sample });

const LOOK = {
  name: 'look',
  description: 'Looks.',
  parameters: { type: 'OBJECT', properties: { a: { type: 'STRING' } } },
};

/**
 * Every top-level field of a `generateContent` body and every field of its `generationConfig` (@google/genai 3.3.0,
 * `GenerateContentConfig` and `GenerationConfig`, with what its converters write), by the JSON name. A field that is
 * not here is `meaning`: what we do not know is not left out in silence.
 */
export const GENERATE_FIELDS: Readonly<Record<string, FieldSpec>> = {
  contents: meaning([{ role: 'user', parts: [{ text: 'hello' }] }]),
  systemInstruction: meaning({ parts: [{ text: 'be brief' }] }),
  tools: meaning([{ functionDeclarations: [LOOK] }]),
  toolConfig: meaning({ functionCallingConfig: { mode: 'ANY' } }),
  // The names and thresholds of another provider's filters are its own.
  safetySettings: hint([{ category: 'HARM_CATEGORY_HARASSMENT', threshold: 'BLOCK_ONLY_HIGH' }]),
  cachedContent: meaning('cachedContents/abc'),
  labels: hint({ team: 'a' }),
  serviceTier: hint('flex'),
  store: hint(false),
  modelArmorConfig: meaning({ promptTemplateName: 'a' }),
  continuationToken: meaning('dG9rZW4='),
  automaticContinuation: hint(true),
  generationOutputConfig: meaning({ gcsDestination: {} }),
  'generationConfig.temperature': hint(0.5),
  'generationConfig.topP': hint(0.9),
  'generationConfig.topK': hint(40),
  'generationConfig.candidateCount': meaning(2),
  'generationConfig.maxOutputTokens': meaning(64),
  'generationConfig.stopSequences': meaning(['END']),
  'generationConfig.presencePenalty': hint(0.5),
  'generationConfig.frequencyPenalty': hint(0.5),
  'generationConfig.seed': hint(7),
  'generationConfig.responseLogprobs': meaning(true),
  'generationConfig.logprobs': meaning(2),
  'generationConfig.responseMimeType': meaning('application/json'),
  'generationConfig.responseSchema': meaning({ type: 'OBJECT', properties: { a: { type: 'STRING' } } }),
  'generationConfig.responseJsonSchema': meaning({ type: 'object', properties: { a: { type: 'string' } } }),
  'generationConfig.responseFormat': meaning([{ text: {} }]),
  'generationConfig.responseModalities': meaning(['TEXT', 'IMAGE']),
  'generationConfig.thinkingConfig': hint({ thinkingLevel: 'HIGH' }),
  'generationConfig.mediaResolution': hint('MEDIA_RESOLUTION_LOW'),
  'generationConfig.speechConfig': meaning({ languageCode: 'de-DE' }),
  'generationConfig.imageConfig': meaning({ aspectRatio: '1:1' }),
  'generationConfig.audioTimestamp': hint(true),
  'generationConfig.audioTranscriptionConfig': meaning({}),
  'generationConfig.translationConfig': meaning({ targetLanguageCode: 'de' }),
  'generationConfig.enableAffectiveDialog': hint(true),
  'generationConfig.enableEnhancedCivicAnswers': hint(true),
  'generationConfig.routingConfig': hint({ autoMode: {} }),
  'generationConfig.modelSelectionConfig': hint({ featureSelectionPreference: 'BALANCED' }),
};

export const fieldClass = (field: string): FieldClass =>
  Object.hasOwn(GENERATE_FIELDS, field) ? GENERATE_FIELDS[field]!.class : 'meaning';

/** Tools of a `Tool` object, beside its functions, that the caller runs itself. All others Google runs, and may bill. */
const CLIENT_TOOLS: ReadonlySet<string> = new Set(['functionDeclarations', 'computerUse']);

/** `googleSearch` → `google_search`, as the entry names a use; null: no tool that the provider runs. */
export const hostedName = (name: string): string | null =>
  CLIENT_TOOLS.has(name) ? null : name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
