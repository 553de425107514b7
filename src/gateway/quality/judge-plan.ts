import type { EpochMs } from '#kernel/brand.ts';
import { iso } from '#kernel/clock.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { addUsd, costOf, nanoUsd, usdDecimal, type NanoUsd } from '#kernel/money.ts';
import { judgeBody } from '#capabilities/tenants/index.ts';
import type { JudgeConfig } from '#capabilities/tenants/config.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerStore } from '#ports/ledger-store.ts';
import { deploymentPrice } from '../deployment-price.ts';
import type { Gate } from '../gate.ts';

/** What a judge would be asked and cost, by the last day's calls of its feature. Nothing is asked. */
export interface JudgePlan {
  readonly report: 'quality_plan';
  readonly feature: string;
  readonly judge: string;
  readonly model: string;
  /** The request as it would be sent, with what is judged left out and a mark in the place of the nonce. */
  readonly request: object;
  readonly from: string;
  readonly to: string;
  /** Calls of the feature that were answered in that time; whole answers of models alone. */
  readonly calls: number;
  /** Those that would have been drawn, about, and after the bounds of hour and day. */
  readonly drawn: number;
  readonly judged: number;
  /** Of one judgement: with an answer of the mean length, and with the longest texts and verdict. Null: no price is known. */
  readonly eachUsd: { readonly usual: string; readonly most: string } | null;
  /** A day, at most its budget; the judgements under way when it is spent come on top. */
  readonly dayUsd: { readonly usual: string; readonly most: string } | null;
  readonly budgetPerDayUsd: string;
}

const DAY_MS = 86_400_000;
const MARK = '<nonce>';
/** `{"mark": "…", "verdict": 1}`, in tokens, about. */
const VERDICT_TOKENS = 30;
const BYTES_PER_TOKEN = 4;

interface Asked {
  readonly feature: string;
  readonly judge: string;
}

/** Throws a 404 where the file has no such judge, and `store_unavailable`. */
export async function judgePlan(gate: Gate, ledger: Pick<LedgerStore, 'spend'>, asked: Asked): Promise<JudgePlan> {
  const { feature, judge } = asked;
  const quality = gate.config.file.features[feature]?.quality;
  const config = quality?.judges[judge];
  if (!quality || !config)
    throw new HeadgateError('not_found', {
      message: 'The file has no such judge: see `features.<name>.quality.judges`.',
    });
  const to = gate.clock.now();
  const from = (to - DAY_MS) as EpochMs;
  const [row] = await ledger.spend({
    ...{ whose: everyTenant('what a judge of the operator’s file would cost'), from, to, by: [], feature },
    kind: 'generate',
    outcome: 'ok',
    sketches: false,
  });
  const calls = row?.calls ?? 0;
  const drawn = Math.round(calls * config.sample);
  const judged = Math.min(drawn, config.maxPerDay, config.maxPerHour * 24);
  const request = judgeBody(config, { question: config.sees === 'exchange' ? '…' : null, answer: '…' }, MARK);
  const each = costOfEach(gate, config, {
    promptBytes: Buffer.byteLength(JSON.stringify(request)),
    usualTokens: calls === 0 ? 0 : (row!.inputTokens + row!.outputTokens) / calls,
    mostBytes: quality.textBytes * (config.sees === 'exchange' ? 2 : 1),
  });
  const ofDay = (one: NanoUsd): string => {
    const all = BigInt(judged) * one;
    return usdDecimal(nanoUsd(all < config.budgetPerDay ? all : config.budgetPerDay));
  };
  return {
    ...{ report: 'quality_plan', feature, judge, model: config.model, request, from: iso(from), to: iso(to) },
    ...{ calls, drawn, judged },
    eachUsd: each && { usual: usdDecimal(each.usual), most: usdDecimal(each.most) },
    dayUsd: each && { usual: ofDay(each.usual), most: ofDay(each.most) },
    budgetPerDayUsd: usdDecimal(config.budgetPerDay),
  };
}

interface Sizes {
  readonly promptBytes: number;
  /** Of a call of the feature with its answer: its question is no longer than the call. */
  readonly usualTokens: number;
  readonly mostBytes: number;
}

/** By the dearest deployment that may judge. */
function costOfEach(gate: Gate, config: JudgeConfig, sizes: Sizes): { usual: NanoUsd; most: NanoUsd } | null {
  const { model, maxOutputTokens } = config;
  const group = gate.config.models.find(model);
  const prompt = gate.estimator.inputTokens(model, sizes.promptBytes);
  const inputs = [prompt + sizes.usualTokens, prompt + sizes.mostBytes / BYTES_PER_TOKEN].map(Math.ceil);
  let [usual, most]: [NanoUsd, NanoUsd] = [nanoUsd(0n), nanoUsd(0n)];
  for (const deployment of group?.deployments ?? []) {
    const quote = deploymentPrice(gate, deployment, model, gate.clock.now())?.quote;
    if (!quote) return null;
    const cost = (input: number, output: number): NanoUsd =>
      addUsd(costOf(input, quote.inputPerMillion), costOf(output, quote.outputPerMillion));
    const [one, other] = [cost(inputs[0]!, VERDICT_TOKENS), cost(inputs[1]!, maxOutputTokens)];
    if (one > usual) usual = one;
    if (other > most) most = other;
  }
  return group ? { usual, most } : null;
}
