import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { accept } from '#gateway/sockets/accept.ts';
import { FrameReader } from '#gateway/sockets/frame-reader.ts';
import type { FrameForm } from '#wire/ws/index.ts';
import type { FanOutProtocol } from './protocol.ts';

const LIMITS = {
  ...{ frameBytes: 1 << 22, framesPerSecond: 200, streamsPerSocket: 64, socketsPerKey: 4_096, sockets: 16_384 },
  slowReader: { bytes: 1 << 20, age: 30_000 },
};

/** One stream a socket, as browsers have it: every event a frame of `/v1/stream`. */
const socketsIn = (form: FrameForm): FanOutProtocol => ({
  name: form === 'native' ? 'ws-native' : 'ws',
  async serve(throughLog) {
    const server = createServer();
    server.on('upgrade', (request, socket, head) =>
      accept({
        ...{ request, socket, head, limits: () => LIMITS, opened: () => undefined },
        begin: (line) => {
          throughLog((stream) =>
            new FrameReader({
              ...{ line, limits: () => LIMITS, stream, name: 'a', form, from: 0 },
              done: () => setImmediate(() => line.close(1000, '')),
            }).attach(),
          );
          return { message: () => undefined, closed: () => undefined, drain: () => undefined };
        },
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { port: (server.address() as AddressInfo).port, close: () => server.close() };
  },
  read: (port, note) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`);
      socket.on('message', (data) => note(String(data)));
      socket.on('close', () => resolve());
      socket.on('error', reject);
    }),
});

export const ws = socketsIn('frames');
export const wsNative = socketsIn('native');
