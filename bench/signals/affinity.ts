import type { TenantId } from '#kernel/brand.ts';
import { tenantKey } from '#kernel/whose.ts';
import { firstBlocksHash } from '#wire/first-blocks.ts';
import { Affinity, heldFirst, type Deployment } from '#capabilities/failover/index.ts';
import type { Provider } from '#providers/index.ts';
import { NO_USAGE } from '#wire/usage.ts';

const deployment = (name: string): Deployment => ({ provider: { name } as Provider, model: 'm', weight: 1, order: 0 });
const usage = { ...NO_USAGE, inputTokens: 30_000, cachedReadTokens: 29_000, cacheWriteTokens: 900, outputTokens: 300 };
const NOW = 1_764_000_000_000;

/** A call of an agent among two deployments: its conversation's name, where its prompt lies, and what it left. */
export function affinityStep(named: boolean): (i: number) => void {
  const table = new Affinity();
  const order = [deployment('a'), deployment('b')];
  const bodies = Array.from({ length: 256 }, (_, i) => ({
    system: [{ type: 'text', text: `You are a careful engineer. ${'Rules of the house. '.repeat(400)}` }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: `Task ${i}. ${'Read this file. '.repeat(60)}` }] },
      { role: 'assistant', content: 'Yes.' },
    ],
  }));
  return (i) => {
    const [kind, name] = named ? ['=', `session-${i & 255}`] : ['#', firstBlocksHash(bodies[i & 255]!)!];
    const key = tenantKey('ten_1' as TenantId, 'conversation', 'm', kind, name);
    const kept = table.find(key, NOW + i);
    if (kept === null) table.begin(key, 'a/m', NOW + i);
    else heldFirst(order, kept.deployment, 'm');
    table.learn(key, { deployment: i & 1 ? 'a/m' : 'b/m', family: 'a', usage, keptForADay: false }, NOW + i);
  };
}
