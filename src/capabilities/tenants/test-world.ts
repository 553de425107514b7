/** A capability on memory stores with a clock that tests move. Only tests import it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { epochMs, type EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { nanoUsd, pricePerMillion, type NanoUsd } from '#kernel/money.ts';
import { seededRng } from '#kernel/rng.ts';
import { sampleEntry } from '#ports/ledger-store.samples.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import type { StateStore } from '#ports/state-store.ts';
import { modelOf } from '#ledger/entry/correction.ts';
import { VersionedPriceBook } from '#ledger/prices/index.ts';
import { memoryLedger } from '#stores/memory/ledger-store.ts';
import { MemoryLimitCounters } from '#stores/memory/limit-counters.ts';
import { MemoryBudgetCounters } from '#stores/memory/shared-state.ts';
import { memoryState } from '#stores/memory/state-store.ts';
import {
  adminApi,
  openTenants,
  type AdmitCall,
  type BudgetWarning,
  type CallSize,
  type Caller,
  type PriceQuote,
  type ServingQuote,
  type Tenants,
} from './index.ts';
import type { PriceDesk } from './routes.ts';
import { NO_ATTRIBUTION } from './attribution/settings.ts';

export const START = epochMs(Date.parse('2026-11-24T10:00:00Z'));
export const dir = mkdtempSync(join(tmpdir(), 'headgate-tenants-'));
after(() => rmSync(dir, { recursive: true, force: true }));

export interface World {
  readonly tenants: Tenants;
  readonly state: StateStore;
  readonly ledger: LedgerStore;
  readonly warnings: BudgetWarning[];
  readonly troubles: string[];
  at: EpochMs;
  call(method: string, path: string, body?: unknown, query?: Record<string, string>): Promise<Record<string, unknown>>;
}

export async function world(
  stores: Partial<Pick<World, 'state' | 'ledger'>> = {},
  dataDir = mkdtempSync(join(dir, 'd-')),
): Promise<World> {
  const state = stores.state ?? memoryState();
  const ledger = stores.ledger ?? memoryLedger();
  const made = { state, ledger, warnings: [] as BudgetWarning[], troubles: [] as string[], at: START };
  const clock = { now: () => made.at, mono: () => 0 };
  const names = { features: () => new Set(['chat', 'search']), labels: () => new Set(['env']), configFile: () => null };
  const tenants = await openTenants({
    ...names,
    state,
    ledger,
    clock,
    dataDir,
    counters: new MemoryBudgetCounters(),
    limitCounters: new MemoryLimitCounters(),
    onWarning: (warning) => made.warnings.push(warning),
    onTrouble: (what) => made.troubles.push(what),
  });
  const rng = seededRng(1);
  let byte = 0;
  const randomBytes = (count: number) => new Uint8Array(count).fill(++byte);
  const book = new VersionedPriceBook({ list: null, source: 'none', overrides: [] });
  const prices: PriceDesk = {
    book,
    pricing: {
      book,
      priceOf: (attempt, at) => book.row({ provider: attempt.provider, book: null, model: modelOf(attempt), at }),
    },
    configured: () => [{ provider: 'openai', book: 'openai', model: 'gpt-4o' }],
    bookOf: (provider) => (provider === 'openai' ? 'openai' : null),
    ofFile: () => [],
    refresh: () => book.setOverrides([...tenants.directory.prices()]),
  };
  const api = adminApi({
    ...names,
    tenants,
    ledger,
    clock,
    rng,
    randomBytes,
    prices,
    attribution: () => NO_ATTRIBUTION,
    leakWatch: () => null,
  });
  const call: World['call'] = async (method, path, body, query = {}) =>
    (await api.handle({ method, path, query, body, actor: 'test' })).body as Record<string, unknown>;
  return Object.assign(made, { tenants, call });
}

export const refusalOf = async (work: () => unknown): Promise<HeadgateError> => {
  try {
    await work();
  } catch (error) {
    assert.ok(error instanceof HeadgateError, String(error));
    return error;
  }
  return assert.fail('nothing was refused');
};

/** A tenant and a key; returns the caller. */
export async function caller(of: World, key: object = {}): Promise<Caller> {
  if (!of.tenants.directory.tenant('acme')) await of.call('POST', '/admin/tenants', { id: 'acme' });
  const rights = { features: '*', endUser: true };
  const made = await of.call('POST', '/admin/keys', { tenant: 'acme', name: 'k', rights, ...key });
  const found = of.tenants.authenticate({ authorization: `Bearer ${String(made['key'])}` });
  assert.ok(found.ok);
  return found.value;
}

// One dollar for a million tokens: 1,000 nano-dollars a token.
const DOLLAR = pricePerMillion(1_000_000_000n);
export const quote: PriceQuote = {
  inputPerMillion: DOLLAR,
  outputPerMillion: DOLLAR,
  dearestInputPerMillion: DOLLAR,
  dearestOutputPerMillion: DOLLAR,
  perCallNanoUsd: nanoUsd(0n),
};
export const serving: ServingQuote = {
  price: quote,
  maxOutputTokens: 8_000,
  maxInputTokens: null,
  imageTokens: 1_000,
  audioTokens: 1_000,
  fileTokens: 1_000,
};

export function ask(
  of: World,
  who: Caller,
  change: Omit<Partial<AdmitCall>, 'size'> & { size?: Partial<CallSize>; endUser?: string } = {},
): AdmitCall {
  const headers = change.endUser === undefined ? {} : { 'x-headgate-end-user': change.endUser };
  const attribution = of.tenants.attribute(who, headers, { endUser: null, sessionHint: null });
  assert.ok(attribution.ok);
  return {
    caller: who,
    attribution: attribution.value,
    at: of.at,
    model: 'm',
    free: false,
    serving: [serving],
    featureMaxOutputTokens: null,
    hostedTools: [],
    ...change,
    size: {
      bodyBytes: 400,
      inputTokensEstimate: 100,
      media: { images: 0, audios: 0, files: 0 },
      hiddenInput: false,
      maxOutputTokens: 900,
      n: 1,
      hasOutput: true,
      ...change.size,
    },
  };
}

export const admitted = async (of: World, call: AdmitCall) => {
  const result = await of.tenants.admit(call);
  if (!result.ok) throw result.error;
  return result.value;
};

let entries = 0;
export function entry(total: NanoUsd | null, fields: Partial<LedgerEntry> = {}): LedgerEntry {
  const sample = sampleEntry(seededRng(++entries), START);
  const zero = nanoUsd(0n);
  const cost =
    total === null ? null : { input: total, cachedRead: zero, cacheWrite: zero, output: zero, other: zero, total };
  return { ...sample, cost, corrects: null, ...fields };
}
