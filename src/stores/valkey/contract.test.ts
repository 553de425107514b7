import { after, before } from 'node:test';
import { streamLogContract } from '#ports/stream-log.contract.ts';
import type { StreamLog } from '#ports/stream-log.ts';
import { redisSkip, startRedis, type RedisServer } from '../../../test/harness/redis-server.ts';
import { valkeyStreamLog } from './stream-log.ts';

let server: RedisServer | null = null;
before(async () => {
  if (!redisSkip) server = await startRedis();
});
after(() => server?.kill());

async function up(log: StreamLog): Promise<StreamLog> {
  for (let i = 0; i < 200 && !log.up; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  return log;
}

streamLogContract({
  name: 'valkey',
  skip: redisSkip,
  open: (bounds) => {
    const open = (): Promise<StreamLog> => up(valkeyStreamLog({ url: server!.url, bounds: () => bounds }));
    return Promise.all([open(), open()]);
  },
});
