import { setTimeout as sleep } from 'node:timers/promises';
import type { CallId } from '#kernel/brand.ts';
import type { NanoUsd } from '#kernel/money.ts';
import type { Attempt, LedgerEntry } from '#ports/entry.ts';
import type { AdminClient } from '../connect/admin-client.ts';
import { gateSource } from '../connect/gate-source.ts';
import { connect } from '../connect/source.ts';
import { configInUse } from '../config/in-use.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { cheapest, type Candidate } from './candidate.ts';
import { configuredProviders } from './configured.ts';
import { drawTest } from './draw.ts';
import { TESTS_TENANT } from './tests-tenant.ts';

export interface TestFlags extends CommonFlags {
  readonly config?: string;
  readonly model?: string;
}

export interface ProviderTest {
  readonly report: 'provider_test';
  readonly provider: string;
  readonly ok: boolean;
  readonly model: string;
  readonly deployment: string | null;
  readonly call: string | null;
  readonly status: number | null;
  readonly connectedMs: number | null;
  readonly headersMs: number | null;
  readonly firstTokenMs: number | null;
  readonly totalMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cost: NanoUsd | null;
  /** What is left of the account's own limits, as the provider says it. */
  readonly limits: readonly { readonly name: string; readonly value: string }[];
  /** What went wrong at this provider, though another may have answered. */
  readonly error: string | null;
}

const CALL_MS = 60_000;
const SETTLE_TRIES = 50;
const SETTLE_WAIT_MS = 100;

/** One call through the gate that this provider must answer: metered as all others, by a key that ends with it. */
export async function test(this: CliContext, flags: TestFlags, name: string): Promise<void> {
  const admin = await connect(this, flags);
  const configured = configuredProviders(await configInUse(this, flags), this.env);
  const candidate = await cheapest(configured, name, flags.model);
  const key = await testKey(admin, candidate.model);
  try {
    this.terminal.progress(`calling ${candidate.model}`);
    const answer = await call(admin.url, key.raw, candidate);
    const report = await reportOf(admin, { name, candidate, answer });
    this.terminal.progress('');
    show(this, { json: flags.json, report, draw: (value) => drawTest(value, this) });
    if (!report.ok) this.exit(EXIT.failed);
  } finally {
    await admin.ask('POST', `/keys/${key.id}/revoke`, { body: {} });
  }
}

/** An operator's key: it alone sees what is left of the provider's limits. */
async function testKey(admin: AdminClient, model: string): Promise<{ readonly id: string; readonly raw: string }> {
  await admin
    .ask('POST', '/tenants', { body: { id: TESTS_TENANT, name: 'Tests of providers' } })
    .catch((error: unknown) => {
      if (!(error instanceof CliFailure && error.code === 'conflict')) throw error;
    });
  const body = { tenant: TESTS_TENANT, name: 'providers test', models: [model], operator: true };
  const { id, key } = (await admin.ask('POST', '/keys', { body })) as { id: string; key: string };
  return { id, raw: key };
}

interface Answer {
  readonly status: number;
  readonly call: string | null;
  readonly message: string | null;
  readonly limits: ProviderTest['limits'];
}

async function call(url: string, key: string, { path, body }: Candidate): Promise<Answer> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
    signal: AbortSignal.timeout(CALL_MS),
  });
  const text = await response.text();
  return {
    status: response.status,
    call: response.headers.get('x-headgate-call-id'),
    message: response.ok ? null : messageOf(text, response.status),
    limits: limitsOf(response.headers),
  };
}

function messageOf(text: string, status: number): string {
  try {
    return (JSON.parse(text) as { error?: { message?: string } }).error?.message ?? `status ${status}`;
  } catch {
    return `status ${status}: ${text.slice(0, 200)}`;
  }
}

/** `x-headgate-upstream-ratelimit-remaining-tokens` is `remaining tokens`. */
const limitsOf = (headers: Headers): ProviderTest['limits'] =>
  [...headers]
    .filter(([name]) => /^x-headgate-upstream-.*(remaining|reset)/.test(name))
    .map(([name, value]) => ({
      name: name.replace(/^x-headgate-upstream-(anthropic-)?ratelimit-/, '').replaceAll('-', ' '),
      value,
    }));

interface Facts {
  readonly name: string;
  readonly candidate: Candidate;
  readonly answer: Answer;
}

async function reportOf(admin: AdminClient, { name, candidate, answer }: Facts): Promise<ProviderTest> {
  const entry = await entryOf(admin, answer.call);
  const attempt = entry?.attempts.findLast(({ provider }) => provider === name) ?? null;
  const ok = answer.status < 400 && attempt?.status === 'ok';
  return {
    ...{ report: 'provider_test', provider: name, ok, model: candidate.model },
    ...{ deployment: attempt?.deployment ?? null, call: answer.call, status: attempt?.httpStatus ?? answer.status },
    ...timesOf(attempt),
    ...{ inputTokens: attempt?.usage?.inputTokens ?? null, outputTokens: attempt?.usage?.outputTokens ?? null },
    cost: attempt?.cost?.total ?? null,
    limits: answer.limits,
    error: ok ? null : whyNot(name, answer, attempt),
  };
}

const timesOf = (attempt: Attempt | null) => ({
  connectedMs: attempt?.timing.connectedMs ?? null,
  headersMs: attempt?.timing.headersMs ?? null,
  firstTokenMs: attempt?.timing.firstTokenMs ?? null,
  totalMs: attempt?.timing.doneMs ?? null,
});

function whyNot(name: string, { status, message }: Answer, attempt: Attempt | null): string {
  if (attempt === null) return message ?? `no attempt went to ${name}`;
  const own = `${attempt.httpStatus ?? attempt.status}${attempt.errorCode === null ? '' : ` ${attempt.errorCode}`}`;
  return status < 400 ? `${own}; another provider answered in its place` : `${own}: ${message}`;
}

/** Entries reach the store moments after their calls end. */
async function entryOf(admin: AdminClient, id: string | null): Promise<LedgerEntry | null> {
  if (id === null) return null;
  const source = gateSource(admin);
  for (let tries = 0; tries < SETTLE_TRIES; tries++) {
    const entry = await source.call(id as CallId);
    if (entry) return entry;
    await sleep(SETTLE_WAIT_MS);
  }
  return null;
}
