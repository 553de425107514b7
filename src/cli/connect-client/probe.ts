import { setTimeout as sleep } from 'node:timers/promises';
import type { CallId } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { fillAll, type ClientSnippets, type Filling, type ProbeStep } from '#gateway/snippets/index.ts';
import type { AdminClient } from '../connect/admin-client.ts';
import { gateSource } from '../connect/gate-source.ts';
import type { CliContext } from '../context.ts';

/** A call of sixteen tokens ends within this time. */
const CALL_MS = 60_000;
/** Entries reach the store moments after their calls end. */
const SETTLE_TRIES = 50;
const SETTLE_WAIT_MS = 100;

export interface ProbeResult {
  readonly ok: boolean;
  readonly requests: readonly { readonly request: string; readonly status: number }[];
  readonly call: string | null;
  readonly model: string | null;
  readonly deployment: string | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly costNanoUsd: NanoUsd | null;
  readonly firstTokenMs: number | null;
  /** What the client would be told; null: nothing went wrong. */
  readonly error: string | null;
}

const NOTHING = {
  ...{ call: null, model: null, deployment: null, inputTokens: null, outputTokens: null, costNanoUsd: null },
  firstTokenMs: null,
} as const;

/** Calls as the client would, and reads from the ledger what became of it. */
export async function runProbe(
  { terminal }: CliContext,
  admin: AdminClient,
  { client, filling }: { readonly client: ClientSnippets; readonly filling: Filling },
): Promise<ProbeResult> {
  const requests: { request: string; status: number }[] = [];
  let call: string | null = null;
  for (const step of client.probe) {
    terminal.progress(`${step.method} ${step.path}`);
    const answer = await send(admin.url, fillAll(step, filling));
    requests.push({ request: `${step.method} ${step.path}`, status: answer.status });
    call = answer.call ?? call;
    if (answer.error !== null) {
      terminal.progress('');
      return { ...NOTHING, ok: false, requests, call, error: answer.error };
    }
  }
  terminal.progress('');
  return { ...(await ledgerOf(admin, call)), ok: true, requests, error: null };
}

interface Answer {
  readonly status: number;
  readonly call: string | null;
  readonly error: string | null;
}

async function send(url: string, { method, path, headers, body }: ProbeStep): Promise<Answer> {
  const response = await fetch(url + path, {
    method,
    headers,
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(CALL_MS),
  });
  const text = await response.text();
  return {
    status: response.status,
    call: response.headers.get('x-headgate-call-id'),
    error: response.ok ? streamError(text) : messageOf(text, response.status),
  };
}

/** A stream tells its failure within, after a status of 200. */
function streamError(text: string): string | null {
  const line = /^data: (\{"(?:type":"error"|error").*)$/m.exec(text)?.[1];
  return line === undefined ? null : messageOf(line, 200);
}

function messageOf(text: string, status: number): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: string; code?: string } };
    return `${error?.code ?? status}: ${error?.message ?? text.slice(0, 200)}`;
  } catch {
    return `${status}: ${text.slice(0, 200)}`;
  }
}

async function ledgerOf(
  admin: AdminClient,
  call: string | null,
): Promise<Omit<ProbeResult, 'ok' | 'requests' | 'error'>> {
  if (call === null) return NOTHING;
  const source = gateSource(admin);
  for (let tries = 0; tries < SETTLE_TRIES; tries++) {
    const entry = await source.call(call as CallId);
    if (entry)
      return {
        ...{ call, model: entry.modelReturned ?? entry.modelAsked, deployment: entry.deployment },
        ...{ inputTokens: entry.usage.inputTokens, outputTokens: entry.usage.outputTokens },
        ...{ costNanoUsd: entry.cost?.total ?? null, firstTokenMs: entry.timing.firstTokenMs },
      };
    await sleep(SETTLE_WAIT_MS);
  }
  return { ...NOTHING, call };
}
