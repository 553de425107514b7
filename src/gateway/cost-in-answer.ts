import { usdDecimal } from '#kernel/money.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import { spliceUsageCost } from '#wire/cost-splice.ts';
import type { AttemptRecord, Call } from './call.ts';
import type { Gate } from './gate.ts';
import { costSoFar } from './settle.ts';

/** Does this caller's tenant see what a call cost? Cost shows the purchase price, so the default is no (clients.md 25). */
export const exposesCost = (call: Call): boolean =>
  (call.facts.caller.tenant.costExpose ?? call.exchange.config.file.cost.expose) === 'cost';

/** A unary body with `usage.cost` in decimal dollars; every other byte as it was. */
export function withCost(body: Buffer, call: Call, entry: LedgerEntry): Buffer {
  if (!exposesCost(call) || !entry.cost) return body;
  return spliceUsageCost(body, call.facts.dialect.name, usdDecimal(entry.cost.total)) ?? body;
}

/** The bytes of a usage event that the client gets anyway, with the cost so far; other bytes as they were. */
export function eventWithCost(event: Buffer, call: Call, record: AttemptRecord, gate: Gate): Buffer {
  if (!exposesCost(call)) return event;
  const cost = costSoFar(gate, call, record);
  if (cost === null) return event;
  return spliceUsageCost(event, call.facts.dialect.name, usdDecimal(cost)) ?? event;
}
