import type { Attempt, LedgerEntry } from '#ports/entry.ts';
import { DdSketch } from '#math/ddsketch.ts';
import { Attributes } from './attributes.ts';
import { errorTypeOf, modelOf, operationOf, providerFacts, type ProviderTable } from './gen-ai.ts';
import { Counter, Histogram, type PointTimes } from './instruments.ts';
import type { KeyValue, Metric } from './otlp.ts';
import { dollars, reportsUsage } from './spans.ts';

/** Bounds that the conventions ask for: seconds of all durations, and tokens of one operation. */
const SECONDS = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
const TOKENS = Array.from({ length: 14 }, (_, power) => 4 ** power);

const seconds = (name: string, description: string): Histogram =>
  new Histogram({ name, description, unit: 's' }, SECONDS);
const tokensOf = (name: string, description: string): Histogram =>
  new Histogram({ name, description, unit: '{token}' }, TOKENS);
const used = (name: string, description: string): Counter => new Counter({ name, description, unit: '{token}' }, true);

const INFERENCE = 'gen_ai.client.inference';

/** A set of attributes, and its text by which points are found. */
interface Labels {
  readonly key: string;
  readonly list: readonly KeyValue[];
}

const labels = (attributes: Attributes): Labels => ({ key: JSON.stringify(attributes.list), list: attributes.list });

/** Metrics of settled calls: the conventions' own for each attempt, and ours for the call. */
export class CallMetrics {
  readonly #inferenceDuration = seconds(`${INFERENCE}.duration`, 'Duration of an attempt at a provider.');
  readonly #operationDuration = seconds(
    'gen_ai.client.operation.duration',
    'Duration of an attempt that is no inference.',
  );
  readonly #firstChunk = seconds(`${INFERENCE}.time_to_first_chunk`, 'Time to the first chunk of a stream.');
  readonly #perChunk = seconds(`${INFERENCE}.time_per_output_chunk`, 'Time between chunks of a stream.');
  readonly #input = used(`${INFERENCE}.usage.input_tokens`, 'Input tokens used, cached ones included.');
  readonly #output = used(`${INFERENCE}.usage.output_tokens`, 'Output tokens used, reasoning included.');
  readonly #cacheRead = used(`${INFERENCE}.usage.cache_read.input_tokens`, "Input tokens from a provider's cache.");
  readonly #cacheWrite = used(`${INFERENCE}.usage.cache_write.input_tokens`, "Input tokens into a provider's cache.");
  readonly #reasoning = used(`${INFERENCE}.usage.reasoning.output_tokens`, 'Output tokens used for reasoning.');
  readonly #inputOfOne = tokensOf(`${INFERENCE}.operation.input_tokens`, 'Input tokens of one attempt.');
  readonly #outputOfOne = tokensOf(`${INFERENCE}.operation.output_tokens`, 'Output tokens of one attempt.');
  readonly #call = seconds('headgate.call.duration', 'Duration of a call, from admission to settlement.');
  readonly #cost = new Counter({ name: 'headgate.cost', description: 'Cost of settled calls.', unit: '{USD}' }, false);
  #recorded = false;

  record(entry: LedgerEntry, providers: ProviderTable): void {
    this.#recorded = true;
    for (const attempt of entry.attempts) this.#attempt(entry, attempt, providers);
    const { totalMs } = entry.timing;
    const ofCall = labels(
      new Attributes()
        .text('gen_ai.operation.name', operationOf(entry))
        .text('gen_ai.request.model', entry.modelAsked)
        .text('headgate.outcome', entry.status)
        .text('headgate.feature', entry.feature),
    );
    if (totalMs !== null) this.#call.record(ofCall.key, ofCall.list, totalMs / 1000);
  }

  #attempt(entry: LedgerEntry, attempt: Attempt, providers: ProviderTable): void {
    const common = attributesOf(entry, attempt, providers);
    const plain = labels(common);
    const withError = labels(attributesOf(entry, attempt, providers).text('error.type', errorTypeOf(attempt)));
    const { doneMs } = attempt.timing;
    const inference = entry.kind !== 'embed' && entry.kind !== 'count';
    const duration = inference ? this.#inferenceDuration : this.#operationDuration;
    if (doneMs !== null) duration.record(withError.key, withError.list, doneMs / 1000);
    if (attempt.cost) this.#cost.add(plain.key, plain.list, dollars(attempt.cost.total));
    if (!inference) return;
    if (entry.stream) this.#chunks(entry, attempt, plain);
    this.#tokens(entry, attempt, plain, withError);
  }

  #chunks(entry: LedgerEntry, attempt: Attempt, { key, list }: Labels): void {
    const { firstTokenMs } = attempt.timing;
    if (firstTokenMs !== null) this.#firstChunk.record(key, list, firstTokenMs / 1000);
    if (entry.interToken === null || attempt.n !== entry.attempts.at(-1)!.n) return;
    DdSketch.fromText(entry.interToken).each((ms, count) => this.#perChunk.record(key, list, ms / 1000, count));
  }

  /** An attempt without usage counts 0 tokens of unknown modality, as the conventions ask. */
  #tokens(entry: LedgerEntry, attempt: Attempt, plain: Labels, withError: Labels): void {
    const usage = reportsUsage(entry, attempt) ? attempt.usage : null;
    const input = usage?.inputTokens ?? 0;
    const output = usage?.outputTokens ?? 0;
    this.#inputOfOne.record(withError.key, withError.list, input);
    this.#outputOfOne.record(withError.key, withError.list, output);
    addBy(this.#input, plain, input, {
      audio: usage?.inputAudioTokens ?? null,
      image: usage?.inputImageTokens ?? null,
    });
    addBy(this.#output, plain, output, { audio: usage?.outputAudioTokens ?? null, image: null });
    addBy(this.#cacheRead, plain, usage?.cachedReadTokens ?? 0);
    addBy(this.#cacheWrite, plain, usage?.cacheWriteTokens ?? 0);
    addBy(this.#reasoning, plain, usage?.reasoningTokens ?? 0);
  }

  /** What has been recorded since the start; nothing before the first call. */
  metrics(times: PointTimes): Metric[] {
    if (!this.#recorded) return [];
    const all = [
      this.#inferenceDuration,
      this.#operationDuration,
      this.#firstChunk,
      this.#perChunk,
      this.#input,
      this.#output,
      this.#cacheRead,
      this.#cacheWrite,
      this.#reasoning,
      this.#inputOfOne,
      this.#outputOfOne,
      this.#call,
      this.#cost,
    ].map((instrument) => instrument.metric(times));
    return all.filter((metric) => (metric.sum ?? metric.histogram)!.dataPoints.length > 0);
  }
}

function attributesOf(entry: LedgerEntry, attempt: Attempt, providers: ProviderTable): Attributes {
  const provider = providerFacts(providers, attempt.provider);
  return new Attributes()
    .text('gen_ai.operation.name', operationOf(entry))
    .text('gen_ai.provider.name', provider.genAiName)
    .text('gen_ai.request.model', modelOf(attempt))
    .text('gen_ai.response.model', attempt.n === entry.attempts.at(-1)!.n ? entry.modelReturned : null)
    .text('server.address', provider.address || null)
    .int('server.port', provider.address ? provider.port : null);
}

interface Parts {
  readonly audio: number | null;
  readonly image: number | null;
}

/** Where the provider counted sound or images apart, the rest is text; else nobody knows. */
function addBy(
  counter: Counter,
  plain: Labels,
  total: number,
  { audio, image }: Parts = { audio: null, image: null },
): void {
  const add = (modality: string, value: number): void => {
    const list = [...plain.list, { key: 'gen_ai.token.modality', value: { stringValue: modality } }];
    counter.add(`${modality} ${plain.key}`, list, value);
  };
  if (audio === null && image === null) return add('unknown', total);
  if (audio) add('audio', audio);
  if (image) add('image', image);
  add('text', Math.max(0, total - (audio ?? 0) - (image ?? 0)));
}
