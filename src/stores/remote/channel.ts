import type { MessagePort } from 'node:worker_threads';
import { ERRORS, HeadgateError, type ErrorCode, type ErrorDetails } from '#kernel/errors.ts';

/** One call of a port's method. Structured clone carries BigInt, so that money needs no encoding. */
interface Request {
  readonly id: number;
  readonly target: string;
  readonly method: string;
  readonly args: readonly unknown[];
}

type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly notice: unknown }
  | {
      readonly id: number;
      readonly failure: { readonly code: ErrorCode; readonly message: string; readonly details: ErrorDetails };
    };

/** Methods that may be called, by name: all of the ports are async. */
export type Target = Readonly<Record<string, (...args: never[]) => Promise<unknown>>>;

// A store that answers slower than this does not help a request that waits; a long report is cut by it as well.
const TIME_LIMIT_MS = 30_000;
// Beyond it the thread is hopelessly behind: refusing at once keeps memory bounded.
const PENDING_LIMIT = 1_000;

export interface ClientOptions {
  readonly timeLimitMs?: number;
  readonly pendingLimit?: number;
  /** What the other thread says unasked, as it was given to {@link notify}. */
  readonly onNotice?: (notice: unknown) => void;
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly timer: NodeJS.Timeout;
}

/** Calls of the other thread's ports. What does not come in time or cannot come rejects with `store_unavailable`. */
export class RemoteClient {
  readonly #port: MessagePort;
  readonly #timeLimitMs: number;
  readonly #pendingLimit: number;
  readonly #onNotice: (notice: unknown) => void;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #closed = false;

  constructor(port: MessagePort, options: ClientOptions = {}) {
    this.#port = port;
    this.#timeLimitMs = options.timeLimitMs ?? TIME_LIMIT_MS;
    this.#pendingLimit = options.pendingLimit ?? PENDING_LIMIT;
    this.#onNotice = options.onNotice ?? (() => undefined);
    port.on('message', (reply: Reply) => this.#settle(reply));
    port.on('close', () => this.#lost());
    // Waiting for the store is the caller's business: an idle channel keeps no process alive.
    port.unref();
  }

  call(target: string, method: string, args: readonly unknown[], limitMs = this.#timeLimitMs): Promise<unknown> {
    if (this.#closed) return Promise.reject(away('The thread of the stores has ended.'));
    if (this.#pending.size >= this.#pendingLimit)
      return Promise.reject(away(`${this.#pendingLimit} questions to the store wait already.`));
    const id = this.#nextId++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const timer = setTimeout(() => this.#tooLate(id, limitMs), limitMs);
    this.#pending.set(id, { resolve, reject, timer });
    this.#port.postMessage({ id, target, method, args } satisfies Request);
    return promise;
  }

  #settle(reply: Reply): void {
    if ('notice' in reply) return this.#onNotice(reply.notice);
    const pending = this.#take(reply.id);
    if ('value' in reply) pending?.resolve(reply.value);
    else
      pending?.reject(
        new HeadgateError(reply.failure.code, { ...reply.failure.details, message: reply.failure.message }),
      );
  }

  #tooLate(id: number, limitMs: number): void {
    this.#take(id)?.reject(away(`The store did not answer within ${limitMs} ms.`));
  }

  #take(id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    clearTimeout(pending?.timer);
    return pending;
  }

  #lost(): void {
    this.#closed = true;
    for (const id of [...this.#pending.keys()]) this.#take(id)?.reject(away('The thread of the stores has ended.'));
  }
}

const away = (message: string): HeadgateError => new HeadgateError('store_unavailable', { message });

/** Tells the client's `onNotice`. */
export const notify = (port: MessagePort, notice: unknown): void => port.postMessage({ notice } satisfies Reply);

/** Answers the calls of a {@link RemoteClient} until its port closes. */
export function serveRemote(port: MessagePort, targets: Readonly<Record<string, Target>>): void {
  port.on('message', (request: Request) => void answer(request, targets).then((reply) => port.postMessage(reply)));
}

async function answer(
  { id, target, method, args }: Request,
  targets: Readonly<Record<string, Target>>,
): Promise<Reply> {
  try {
    const methods = targets[target];
    if (!methods || !Object.hasOwn(methods, method)) throw new Error(`no such method: ${target}.${method}`);
    return { id, value: await methods[method]!(...(args as never[])) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}

function failureOf(error: unknown): { code: ErrorCode; message: string; details: ErrorDetails } {
  if (error instanceof HeadgateError) return { code: error.code, message: error.message, details: error.details };
  // A mistake of ours: its text stays inside, the stack is worth a line in this thread's log.
  process.emitWarning(error instanceof Error ? error : String(error));
  return { code: 'internal', message: ERRORS.internal.message, details: {} };
}
