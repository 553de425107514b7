/** What budgets let through, judged by the provider's own log. */
import { setTimeout as sleep } from 'node:timers/promises';
import { usdDecimal, type NanoUsd } from '#kernel/money.ts';
import type { LogEntry, Provider } from '#lab/provider/provider.ts';
import type { GateProcess } from '../harness/gate-process.ts';
import { billedNanoUsd, makeTenant, worldConfig } from './world.ts';

/** What the provider billed: its final count, or for a stream that was left what it had read and sent. */
export function billOf(line: LogEntry): bigint {
  if (line.usageSent) return billedNanoUsd(line.usageSent);
  if (line.status !== 200) return 0n;
  const plain = { cachedRead: 0, cacheWrite5m: 0, cacheWrite1h: 0 };
  return billedNanoUsd({ ...plain, input: line.inputTokens ?? 0, output: line.outputTokensSent });
}

export const billed = (provider: Provider, model: string): bigint =>
  provider.log.filter((line) => line.model === model).reduce((sum, line) => sum + billOf(line), 0n);

/** A model of its own at the provider for each budget, so that the provider's log tells whose money it was. */
export const budgetConfig = (url: string, largest: number): string =>
  worldConfig(url).replace(
    'prices:',
    ['strict', 'bounded']
      .map(
        (name) => `  ${name}: { deployments: [{ provider: chat, model: lab-${name}, maxOutputTokens: ${largest} }] }\n`,
      )
      .join('') + 'prices:',
  );

/** A tenant with one budget for all time; returns its key. */
export async function tenantWith(gate: GateProcess, mode: 'strict' | 'bounded', limitNanoUsd: bigint): Promise<string> {
  const [key] = await makeTenant(gate, mode, 1);
  const limitUsd = usdDecimal(limitNanoUsd as NanoUsd);
  await gate.admin('POST', '/budgets', { level: 'tenant', tenant: mode, limitUsd, mode, window: 'total' });
  return key!;
}

export const bodyOf = (model: string, output: number, more: object = {}): string =>
  JSON.stringify({ model, messages: [{ role: 'user', content: `Hello. [[lab output=${output}]]` }], ...more });

export const STREAMED = { stream: true, stream_options: { include_usage: true } };

const nanoUsdOf = (usd: string): bigint => BigInt(Math.round(Number(usd) * 1e9));

/** The largest overshoot that the gate states, asked for again and again. */
export function watchOvershoot(gate: () => GateProcess): { stop(): Promise<bigint> } {
  let [most, over] = [0n, false];
  const watching = (async () => {
    while (!over) {
      const stated = await gate()
        .admin('GET', '/budgets/overshoot')
        .catch(() => null);
      const now = stated ? nanoUsdOf(stated.totalUsd) : 0n;
      if (now > most) most = now;
      await sleep(5);
    }
  })();
  return {
    stop: async () => {
      over = true;
      await watching;
      return most;
    },
  };
}
