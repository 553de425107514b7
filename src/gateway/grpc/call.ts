import { create } from '@bufbuild/protobuf';
import { HeadgateError } from '#kernel/errors.ts';
import type { CanonicalAnswer, CanonicalEmbeddings } from '#wire/canonical.ts';
import { chatBody, choiceMessages, DoubleField, embedBody, usageMessage } from '#wire/grpc/index.ts';
import {
  EmbedResponseSchema,
  GenerateResponseSchema,
  type EmbedRequest,
  type GenerateRequest,
} from '#wire/grpc/headgate-messages.ts';
import type { LiveStream } from '#capabilities/streams/index.ts';
import { exchangeOf, type Exchange } from '../call.ts';
import { carry } from '../carry.ts';
import { DIALECTS } from '../dialects.ts';
import { CALL_ROUTES } from '../routes.ts';
import { carriedRequest, CarriedResponse, type CarriedAnswer } from '../streams/carried.ts';
import { failureOfAnswer, plainFailure } from './failure.ts';
import { eventBytes, HEARTBEAT, MessageReader } from './message-reader.ts';
import { carriedHeaders } from './metadata.ts';
import { encoded, type Served } from './serve.ts';

type Method = 'Generate' | 'GenerateStream' | 'Embed';

/** A call through the pipeline like any other; its answer is read from its log, or is one message. */
export class GrpcCall {
  readonly #served: Served;
  readonly #method: Method;
  readonly #body: Buffer;
  readonly #response: CarriedResponse;
  #heartbeat: NodeJS.Timeout | null = null;
  #reader: MessageReader | null = null;
  #exchange: Exchange | null = null;

  constructor(served: Served, method: Method, said: GenerateRequest | EmbedRequest) {
    this.#served = served;
    this.#method = method;
    this.#body = Buffer.from(JSON.stringify(bodyOf(method, said)));
    this.#response = new CarriedResponse((answer) => this.#whole(answer));
  }

  async run(): Promise<void> {
    const { gate, request, protocol, answer } = this.#served;
    const route = CALL_ROUTES.get(this.#method === 'Embed' ? '/v1/embeddings' : '/v1/chat/completions')!;
    const head = carriedHeaders(request.headers);
    if (this.#method === 'GenerateStream') this.#begin();
    answer.response.once('close', () => {
      this.#quiet();
      if (!answer.ended && !this.#reader) this.#response.destroy();
    });
    const exchange = (this.#exchange = exchangeOf(gate, {
      ...{ route, query: '', response: this.#response, request: carriedRequest(head, this.#body) },
      carrier: { protocol: protocol.name, reader: (stream) => this.#read(stream) },
    }));
    this.#response.once('close', () => {
      this.#quiet();
      // It was ended, by another connection, before its answer began.
      if (this.#response.destroyed && !this.#reader)
        answer.end(plainFailure('CANCELLED', 'The call was ended before its answer began.'));
    });
    await carry(gate, exchange);
  }

  /** Head and signs of life at once: a failure has its place at the end. */
  #begin(): void {
    const { gate, protocol, answer } = this.#served;
    answer.begin();
    this.#heartbeat = setInterval(
      () => answer.message(eventBytes(protocol.json, '', HEARTBEAT)),
      gate.config.file.stream.heartbeat,
    );
  }

  #deadline(): number {
    return this.#exchange?.deadlineMono ?? Infinity;
  }

  #quiet(): void {
    if (this.#heartbeat) clearInterval(this.#heartbeat);
    this.#heartbeat = null;
  }

  #read(stream: LiveStream): MessageReader {
    const { gate, protocol, answer } = this.#served;
    this.#quiet();
    this.#reader = new MessageReader({
      ...{ answer, stream, from: 0, json: protocol.json, slow: gate.config.file.stream.slowReader },
      gone: () => this.#response.destroy(),
      late: () => this.#deadline() <= gate.clock.mono(),
    });
    this.#reader.send('', [{ kind: { case: 'started', value: { id: stream.id, resumable: stream.resumable } } }]);
    return this.#reader;
  }

  #whole(said: CarriedAnswer): void {
    const { protocol, answer } = this.#served;
    this.#quiet();
    if (said.status >= 400) return answer.end(failureOfAnswer(said));
    const id = said.headers['x-headgate-call-id'] ?? '';
    const bytes =
      this.#method === 'Embed'
        ? encoded(EmbedResponseSchema, protocol, create(EmbedResponseSchema, embedMessage(id, said.body)))
        : encoded(GenerateResponseSchema, protocol, create(GenerateResponseSchema, generateMessage(id, said.body)));
    answer.whole(bytes, { 'x-headgate-call-id': id });
  }
}

function bodyOf(method: Method, said: GenerateRequest | EmbedRequest): object {
  if (method === 'Embed') return embedBody(said as EmbedRequest);
  try {
    return chatBody(said as GenerateRequest, method === 'GenerateStream');
  } catch (thrown) {
    if (!(thrown instanceof DoubleField)) throw thrown;
    throw new HeadgateError('invalid_request', {
      field: thrown.field,
      message: 'The request has a field of its own for this, or the gate sets it.',
    });
  }
}

function generateMessage(id: string, body: Buffer) {
  const answer = DIALECTS['openai-chat'].decodeAnswer(JSON.parse(body.toString())) as CanonicalAnswer;
  const { model, usage } = answer;
  return { id, model, choices: choiceMessages(answer), ...(usage && { usage: usageMessage(usage) }) };
}

function embedMessage(id: string, body: Buffer) {
  const answer = DIALECTS['openai-embeddings'].decodeAnswer(JSON.parse(body.toString())) as CanonicalEmbeddings;
  const { model, usage, vectors } = answer;
  const embeddings = vectors.map((values) => ({ values: [...values] }));
  return { id, model, embeddings, ...(usage && { usage: usageMessage(usage) }) };
}
