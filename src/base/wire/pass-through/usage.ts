import { numberOf, objectOf, textOf, type JsonObject, usedOf } from '#wire/json/read.ts';
import { NO_UNITS, NO_USAGE, type Units, type Usage } from '#wire/usage.ts';

/** What an answer says of tokens under OpenAI's newer names, or under those of chat; all null where it says nothing. */
export function statedTokens(usage: JsonObject): Pick<Usage, 'inputTokens' | 'outputTokens'> {
  return {
    inputTokens: usedOf(usage['input_tokens']) ?? usedOf(usage['prompt_tokens']),
    outputTokens: usedOf(usage['output_tokens']) ?? usedOf(usage['completion_tokens']),
  };
}

/**
 * Usage of an answer about images (openai 7.57.0 `ImagesResponse.Usage`): what a model of images puts out is image
 * tokens unless the details tell them apart. A separate bill for authoring SVG is a use that no bucket prices.
 */
export function imageUsage(answer: JsonObject, units: Units): Usage {
  const usage = objectOf(answer['usage']);
  const { inputTokens, outputTokens } = statedTokens(usage);
  const svgTokens = usedOf(objectOf(answer['svg_usage'])['total_tokens']);
  return {
    ...NO_USAGE,
    inputTokens,
    outputTokens,
    inputImageTokens: usedOf(objectOf(usage['input_tokens_details'])['image_tokens']),
    outputImageTokens: usedOf(objectOf(usage['output_tokens_details'])['image_tokens']) ?? outputTokens,
    toolUses: svgTokens ? { svg_tokens: svgTokens } : NO_USAGE.toolUses,
    units,
  };
}

/** Longer is no recording: a week. */
const MOST_SECONDS = 604_800;

const msOf = (seconds: unknown): number | null => {
  const stated = numberOf(seconds);
  return stated !== null && stated >= 0 && stated <= MOST_SECONDS ? Math.round(stated * 1000) : null;
};

/**
 * Usage of a transcription: tokens (`usage.type` "tokens"), or seconds as the provider states them: what it bills
 * (`usage.seconds`, Mistral's `prompt_audio_seconds`) before what it heard (`duration` of `verbose_json`).
 */
export function soundUsage(answer: JsonObject): Usage {
  const usage = objectOf(answer['usage']);
  const details = objectOf(usage['input_token_details']);
  const ms = msOf(usage['seconds']) ?? msOf(usage['prompt_audio_seconds']) ?? msOf(answer['duration']);
  return {
    ...NO_USAGE,
    ...statedTokens(usage),
    inputAudioTokens: usedOf(details['audio_tokens']),
    units: ms === null ? NO_UNITS : { audioMs: ms },
  };
}

/** Usage of speech: all that such a model puts out is sound. */
export function speechUsage(event: JsonObject): Usage | null {
  const { inputTokens, outputTokens } = statedTokens(objectOf(event['usage']));
  if (inputTokens === null && outputTokens === null) return null;
  return { ...NO_USAGE, inputTokens, outputTokens, outputAudioTokens: outputTokens };
}

export const typeOf = (event: JsonObject): string => textOf(event['type']) ?? '';
