import { startUpstream, type ScriptedUpstream } from '../clients-rules/scripted-upstream.ts';
import { startRedis, type RedisServer } from '../harness/redis-server.ts';
import { startTwoGates, type TwoGates } from './two-gates.ts';

/** Two gates on one Valkey, in front of one scripted provider. */
export interface World {
  readonly up: ScriptedUpstream;
  redis: RedisServer;
  readonly gates: TwoGates;
}

/** `configOf`: headgate.yaml by where the provider and the server of the logs are. */
export async function startWorld(configOf: (upstream: string, logs: string) => string): Promise<World> {
  const [up, redis] = [await startUpstream(), await startRedis()];
  return { up, redis, gates: await startTwoGates(configOf(up.url, redis.url)) };
}

export async function stopWorld(world: World | undefined): Promise<void> {
  await world?.gates.stop();
  await world?.redis.kill();
  await world?.up.close();
}

/** One event of a chat; null: a delta without words. */
export const chunk = (content: string | null, finish: string | null = null): string =>
  `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [{ index: 0, delta: content === null ? {} : { content }, finish_reason: finish }] })}\n\n`;
const USAGE = `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'up', choices: [], usage: { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 } })}\n\n`;
export const WORDS: readonly string[] = Array.from({ length: 20 }, (_, i) => `wörd${i} `);
/** Behind the last word. */
export const ENDING: readonly string[] = [chunk(null, 'stop'), USAGE, 'data: [DONE]\n\n'];
