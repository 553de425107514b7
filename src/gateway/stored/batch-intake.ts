import { HeadgateError } from '#kernel/errors.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { Dialect, PolicyView } from '#wire/dialect.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import type { Deployment, ModelGroup } from '#capabilities/failover/index.ts';
import { decode, faultError, offLoop, type Decoded } from '../decode.ts';
import { DIALECTS } from '../dialects.ts';
import { findModel } from '../find-model.ts';
import type { Gate } from '../gate.ts';
import { hasPreamble, withPreamble } from '../prefix-cache/preamble.ts';
import { customHash, lineText, type BatchLines, type PlanModel } from './batch-plan.ts';
import type { StoredExchange } from './exchange.ts';
import type { NumberedLine } from './jsonl.ts';

/** What a line is in one API: where its request stands, and what it names. */
export interface LineForm {
  /** `body` or `params`. */
  readonly member: string;
  /** Endpoint and dialect of a line; null: none that a batch may name. */
  readonly target: (line: StrictJson) => { readonly url: string; readonly dialect: DialectName } | null;
  readonly targets: string;
  readonly longestCustomId: number;
}

const OPENAI_URLS: ReadonlyMap<unknown, DialectName> = new Map([
  ['/v1/chat/completions', 'openai-chat'],
  ['/v1/responses', 'openai-responses'],
  ['/v1/embeddings', 'openai-embeddings'],
]);

/** https://platform.openai.com/docs/api-reference/batch/request-input, read 2026-11. */
export const OPENAI_LINE: LineForm = {
  member: 'body',
  target: ({ value }) => {
    const dialect = value['method'] === 'POST' ? OPENAI_URLS.get(value['url']) : undefined;
    return dialect ? { url: value['url'] as string, dialect } : null;
  },
  targets: `\`method\` POST and \`url\` one of ${[...OPENAI_URLS.keys()].join(', ')}`,
  longestCustomId: 512,
};

/** `BatchCreateParams.Request` of @anthropic-ai/sdk 1.12.0. */
export const MESSAGES_LINE: LineForm = {
  member: 'params',
  target: () => ({ url: '/v1/messages', dialect: 'anthropic-messages' }),
  targets: '',
  longestCustomId: 64,
};

/** Both APIs' own limit is below it (50,000 and 100,000). */
const MOST_LINES = 100_000;
const MOST_CHOICES = 8;
/** A continued conversation's input is not in the line: the largest context that any listed model has. */
const HIDDEN_INPUT_TOKENS = 1_000_000;
const HIDES_INPUT = new Set(['response', 'conversation', 'prompt', 'item']);

/**
 * Checks the lines of a batch one by one, before anything is sent: each as a call would be, models and ids by what the
 * key may. A line goes on with the deployment's model id; its other bytes stay. Throws a 4xx that names the line.
 */
export class BatchIntake {
  readonly #gate: Gate;
  readonly #exchange: StoredExchange;
  readonly #form: LineForm;
  readonly #feature: string | null;
  readonly #seen = new Set<string>();
  readonly #lines: string[] = [];
  readonly #models: PlanModel[] = [];
  #target: { readonly url: string; readonly dialect: DialectName } | null = null;
  #provider: string | null = null;

  constructor(gate: Gate, exchange: StoredExchange, form: LineForm, feature: string | null) {
    this.#gate = gate;
    this.#exchange = exchange;
    this.#form = form;
    this.#feature = feature;
  }

  /** The line as the provider gets it. */
  async add({ n, bytes }: NumberedLine): Promise<Buffer> {
    try {
      return await this.#add(bytes);
    } catch (thrown) {
      if (!(thrown instanceof HeadgateError)) throw thrown;
      const { code, details, message } = thrown;
      throw new HeadgateError(code, { ...details, message: `Line ${n}: ${message}` });
    }
  }

  /** What was read. Throws where that was nothing. */
  whole(): BatchLines {
    if (!this.#target) throw wrong('file', 'A batch has at least one line.');
    return {
      provider: this.#provider!,
      ...this.#target,
      models: this.#models,
      count: this.#lines.length,
      lines: this.#lines.join('\n'),
    };
  }

  async #add(bytes: Buffer): Promise<Buffer> {
    if (this.#lines.length >= MOST_LINES) throw wrong('file', `A batch has at most ${MOST_LINES} lines.`);
    const parsed = parseStrict(bytes);
    if (!parsed.ok) throw faultError(parsed.error);
    const line = parsed.value;
    const hash = this.#customId(line);
    const { dialect } = this.#checkTarget(line);
    const { member } = this.#form;
    const span = line.spans.get(member);
    if (!span) throw wrong(member, `\`${member}\` is required.`);
    const decoded = await decode(
      ownBytes(bytes.subarray(span.start, span.end)),
      DIALECTS[dialect],
      this.#gate.decodePool,
    );
    const { deployment, model } = await this.#checkCall(decoded);
    const { body, view } = await this.#fronted(DIALECTS[dialect], decoded, deployment);
    this.#seen.add(hash);
    this.#lines.push(lineText(hash, this.#models.indexOf(model)));
    this.#count(model, { body, view }, deployment);
    const sent = model.sent === view.model ? body.bytes : DIALECTS[dialect].patch(body, { model: model.sent });
    return Buffer.concat([bytes.subarray(0, span.start), sent, bytes.subarray(span.end)]);
  }

  /** With the tenant's own line before the prompt, where the deployment keeps its cache apart by one. */
  async #fronted(dialect: Dialect, decoded: Decoded, deployment: Deployment): Promise<Decoded> {
    const facts = { ...decoded, dialect, caller: this.#exchange.caller, login: null, layers: null };
    if (!hasPreamble(facts, deployment)) return decoded;
    const body = await withPreamble(facts, deployment, this.#gate.decodePool);
    if (!body.ok) throw faultError(body.error);
    return { ...decoded, body: body.value };
  }

  #customId({ value }: StrictJson): string {
    const id = value['custom_id'];
    const { longestCustomId } = this.#form;
    if (typeof id !== 'string' || id === '' || id.length > longestCustomId)
      throw wrong('custom_id', `\`custom_id\` must be a text of 1 to ${longestCustomId} characters.`);
    const hash = customHash(id);
    if (this.#seen.has(hash))
      throw new HeadgateError('duplicate_field', {
        field: 'custom_id',
        message: 'Its `custom_id` is that of an earlier line.',
      });
    return hash;
  }

  #checkTarget(line: StrictJson) {
    const target = this.#form.target(line);
    if (!target) throw wrong('url', `A line needs ${this.#form.targets}.`);
    this.#target ??= target;
    if (target.url !== this.#target.url) throw wrong('url', 'All lines of a batch name one endpoint.');
    return target;
  }

  async #checkCall({ view }: Decoded): Promise<{ deployment: Deployment; model: PlanModel }> {
    const { caller, config } = this.#exchange;
    checkView(view);
    const group = findModel(this.#gate, config, caller, view.model);
    const deployment = this.#deployment(group, view.model);
    if (view.keptIds.length > 0) {
      const kept = await this.#gate.tenants.checkKeptIds(caller, view.keptIds);
      if (!kept.ok) throw kept.error;
      if (kept.value !== null && !kept.value.startsWith(`${deployment.provider.name}/`))
        throw new HeadgateError('not_found', {
          field: 'model',
          message: 'An id of this line belongs to another model.',
        });
    }
    return { deployment, model: this.#modelOf(view.model, deployment) };
  }

  /** The first deployment whose provider runs batches of this endpoint; all lines go to one provider. */
  #deployment(group: ModelGroup, asked: string): Deployment {
    const { family } = this.#exchange.route;
    const able = group.deployments
      .filter(({ provider: { data } }) => data.stored?.[family]?.batches && data.paths[this.#target!.dialect])
      .toSorted((a, b) => a.order - b.order || b.weight - a.weight);
    const found = able.find(({ provider }) => this.#provider === null || provider.name === this.#provider);
    if (found) {
      this.#provider = found.provider.name;
      return found;
    }
    const why =
      able.length === 0
        ? 'has no provider that runs such batches'
        : 'is served by another provider than the model of the first line';
    throw wrong('model', `The model \`${asked.slice(0, 128)}\` ${why}.`);
  }

  #modelOf(model: string, deployment: Deployment): PlanModel {
    const known = this.#models.find((one) => one.model === model);
    if (known) return known;
    const sent = deployment.model ?? model;
    const tokens = { inputTokens: 0, outputTokens: 0, worstInputTokens: 0, worstOutputTokens: 0 };
    const made: PlanModel = { model, sent, lines: 0, ...tokens, tools: [] };
    this.#models.push(made);
    return made;
  }

  #count(model: PlanModel, { view, body }: Decoded, deployment: Deployment): void {
    const { data } = deployment.provider;
    const bodyBytes = body.bytes.length;
    const hasOutput = DIALECTS[this.#target!.dialect].kind === 'generate';
    const hiddenInput = view.keptIds.some(({ kind }) => HIDES_INPUT.has(kind));
    const { maxOutputTokens, n, media } = view;
    const inputTokensEstimate = this.#gate.estimator.inputTokens(view.model, bodyBytes);
    const size = { bodyBytes, inputTokensEstimate, media, hiddenInput, maxOutputTokens, n, hasOutput };
    const { largest } = data;
    model.lines++;
    model.inputTokens += inputTokensEstimate;
    model.outputTokens += this.#gate.tenants.expectedOutput(this.#feature, view.model, size) * n;
    model.worstInputTokens += hiddenInput
      ? HIDDEN_INPUT_TOKENS
      : bodyBytes +
        media.images * largest.imageTokens +
        media.audios * largest.audioTokens +
        media.files * largest.fileTokens;
    if (hasOutput)
      model.worstOutputTokens += (maxOutputTokens ?? deployment.maxOutputTokens ?? data.maxOutputTokens) * n;
    for (const tool of view.hostedTools) if (!model.tools.includes(tool)) model.tools.push(tool);
  }
}

/** Name under which a line's call is known: that of its deployment. */
export const lineDeployment = (provider: string, { sent }: Pick<PlanModel, 'sent'>): string => `${provider}/${sent}`;

function checkView(view: PolicyView): void {
  const refuse = (field: string, message: string) => new HeadgateError('policy_refused', { field, message });
  if (view.n > MOST_CHOICES) throw refuse('n', `\`n\` is at most ${MOST_CHOICES}.`);
  if (view.cacheSalt) throw refuse('cache_salt', '`cache_salt` is set by the gate and never by a caller.');
  if (view.background) throw refuse('background', 'A batch runs in the background as a whole.');
  if (view.stream) throw refuse('stream', 'A line of a batch is not streamed.');
}

/** A large body is handed to another thread, which takes the whole allocation: the line's own would be gone. */
function ownBytes(bytes: Buffer): Buffer {
  if (!offLoop(bytes)) return bytes;
  const own = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(own);
  return own;
}

const wrong = (field: string, message: string): HeadgateError =>
  new HeadgateError('invalid_request', { field, message });
