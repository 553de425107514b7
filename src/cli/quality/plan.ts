import { parseUsd } from '#kernel/money.ts';
import type { JudgePlan } from '#gateway/quality/judge-plan.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { count, money } from '../format.ts';
import { plain, wrap } from '../text.ts';

export interface PlanFlags extends CommonFlags {
  readonly feature: string;
  readonly judge: string;
}

export async function plan(this: CliContext, flags: PlanFlags): Promise<void> {
  const client = await connect(this, flags);
  const { feature, judge, json } = flags;
  const report = (await client.ask('GET', `/quality/plan?${new URLSearchParams({ feature, judge })}`)) as JudgePlan;
  show(this, { json, report, draw: (value) => drawPlan(value, this) });
}

interface Message {
  readonly role: string;
  readonly content: string;
}

const dollars = (usd: string): string => money(parseUsd(usd)!);
const span = (one: { readonly usual: string; readonly most: string } | null): string =>
  one === null
    ? 'no price is known, so that it is never asked'
    : `≈ ${dollars(one.usual)}, at most ${dollars(one.most)}`;

function drawPlan(report: JudgePlan, { terminal }: Pick<CliContext, 'terminal'>): string {
  const { messages } = report.request as { readonly messages: readonly Message[] };
  const lines = [
    `${plain(report.judge)} of ${plain(report.feature)} would ask ${plain(report.model)}`,
    '',
    `the last day    ${count(report.calls)} calls, of which ≈ ${count(report.drawn)} are drawn and ≈ ${count(report.judged)} judged`,
    `a judgement     ${span(report.eachUsd)}`,
    `a day           ${span(report.dayUsd)}; its budget is ${dollars(report.budgetPerDayUsd)}`,
    '',
    ...messages.flatMap(({ role, content }) => [terminal.paint.dim(role), ...content.split('\n').map(plain), '']),
    'Nothing was asked. The mark is drawn anew for each judgement.',
  ];
  return lines.map((line) => wrap(line, terminal.width)).join('\n');
}
