import { confirm } from '../confirm.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { money } from '../format.ts';
import { usdOf, type Bill } from './attribution-view.ts';
import { headOf } from './draw-attribution.ts';

export interface CloseFlags extends CommonFlags {
  readonly yes: boolean;
}

export async function close(this: CliContext, flags: CloseFlags, month: string): Promise<void> {
  const client = await connect(this, flags);
  const bill = (await client.ask('GET', '/attribution', { query: { month } })) as Bill;
  const ask = `Close ${month} at ${money(usdOf(bill.billedUsd))}? Its figures can never change again.`;
  if (bill.closedAt === null && !flags.yes && (await confirm(this, ask)) === false)
    throw usageFailure(`${month} is open as before.`, 'add --yes to close it without being asked');
  const closed = (await client.ask('POST', '/attribution/close', { body: { month } })) as Bill;
  const draw = (value: Bill): string =>
    [headOf(value, this), 'Later corrections of its calls count in the month when they are made.'].join('\n');
  show(this, { json: flags.json, report: closed, draw });
}
