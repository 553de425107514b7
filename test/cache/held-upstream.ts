import type { Seen } from '../clients-rules/scripted-upstream.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerFor, type CacheWorld } from './cache-world.ts';

/** Requests that the upstream got and has not answered, oldest first; each is answered by hand. */
export function held(world: Pick<CacheWorld, 'upstream'>): Seen[] {
  const waiting: Seen[] = [];
  world.upstream.answer((_response, seen) => void waiting.push(seen));
  return waiting;
}

let answers = 0;
/** The number of the next answer: no two are the same. */
export const nextAnswer = (): number => ++answers;

export const finish = ({ response, path }: Seen): void => {
  const body = JSON.stringify(answerFor(path, nextAnswer()));
  response.writeHead(200, { 'content-type': 'application/json' }).end(body);
};
export const fail = ({ response }: Seen, status: number): void =>
  void response
    .writeHead(status, { 'content-type': 'application/json' })
    .end(JSON.stringify({ error: { message: `no ${status}`, type: 'server_error', code: null, param: null } }));

export const begin = ({ response }: Seen): void => {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
};
export const say = ({ response }: Seen, events: readonly string[]): void =>
  events.forEach((event) => response.write(event));

export async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (let i = 0; i < 1_000; i++) {
    if (await check()) return;
    await sleep(10);
  }
  throw new Error(`${what}: not within 10 s`);
}

/** So many calls wait for the answer of another. */
export const sees = async ({ gate }: Pick<CacheWorld, 'gate'>, waiting: number): Promise<boolean> =>
  (await gate.admin('GET', '/cache')).waiting === waiting;

/** Asks, and then others ask the same while that is under way. */
export async function inOrder<T>(
  world: CacheWorld,
  waiting: readonly Seen[],
  ask: () => Promise<T>,
  others: number,
): Promise<{ readonly leader: Promise<T>; readonly followed: readonly Promise<T>[] }> {
  const before = waiting.length;
  const leader = ask();
  await until('the leader’s request', () => waiting.length > before);
  const followed = Array.from({ length: others }, ask);
  await until('the followers', () => sees(world, others));
  return { leader, followed };
}
