/** What a batch was asked to do by `x-lab-batch: ms=300,done=2,end=expired,expires=5`. */
export interface BatchOrder {
  /** When it ends; Infinity: never. */
  readonly ms: number;
  /** Only so many lines are answered. */
  readonly done: number;
  readonly end: 'completed' | 'expired' | 'failed';
  /** Seconds until it says that it expires. */
  readonly expiresS: number;
  /** How late the answer to the creation comes. */
  readonly answerMs: number;
}

export interface BatchLine {
  readonly customId: string;
  readonly path: string;
  readonly body: Record<string, unknown>;
}

export interface Batch {
  readonly id: string;
  readonly family: 'openai' | 'anthropic';
  readonly createdMs: number;
  readonly order: BatchOrder;
  readonly lines: readonly BatchLine[];
  /** Of OpenAI's. */
  readonly endpoint: string;
  readonly inputFileId: string;
  readonly metadata: unknown;
  cancelledMs: number | null;
  /** Made once, when it has ended. */
  result: BatchResult | null;
}

export interface BatchResult {
  readonly outputFileId: string | null;
  readonly errorFileId: string | null;
  /** Anthropic's results. */
  readonly lines: readonly object[];
  readonly counts: {
    readonly ok: number;
    readonly failed: number;
    readonly expired: number;
    readonly cancelled: number;
  };
}

const DAY_S = 86_400;

export function orderOf(header: string | undefined): BatchOrder {
  const words = new Map((header ?? '').split(',').map((word) => word.split('=') as [string, string]));
  const number = (name: string, otherwise: number): number => {
    const text = words.get(name);
    return text === undefined ? otherwise : text === 'never' ? Infinity : Number(text);
  };
  return {
    ms: number('ms', 200),
    done: number('done', Infinity),
    end: (words.get('end') ?? 'completed') as BatchOrder['end'],
    expiresS: number('expires', DAY_S),
    answerMs: number('answer', 0),
  };
}

/** Has it ended by now: by its own time, or because it was cancelled? */
export const hasEnded = (batch: Batch, nowMs: number): boolean =>
  batch.cancelledMs !== null || nowMs >= batch.createdMs + batch.order.ms;
