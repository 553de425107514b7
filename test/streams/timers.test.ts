import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, test } from 'node:test';
import { createServer as createH2 } from 'node:http2';
import { createH2Server } from '../../src/gateway/h2/server.ts';
import { OPTIONS as WEBSOCKET_OPTIONS } from '../../src/gateway/sockets/accept.ts';
import {
  CLIENT_KEEP_ALIVE,
  H2_BOUNDS,
  H2_TIMERS,
  SERVER_BOUNDS,
  SERVER_TIMERS,
  WEBSOCKET_TIMERS,
} from '../../src/gateway/timers.ts';
import { POOL_TIMERS } from '../../src/providers/transport.ts';

const TIMER = /timeout|interval|[a-z]delay\b|keepalive|requestsper|threshold/i;
const need = createRequire(import.meta.url);

describe('no timer of a library decides what the gate has not decided', () => {
  test('node:http: every timer that a server of this Node has is set', () => {
    const known = Object.keys(createServer()).filter((name) => TIMER.test(name));
    const set = new Set([...Object.keys(SERVER_TIMERS), ...Object.keys(SERVER_BOUNDS)]);
    // TCP keep-alive is set on each socket, where its interval and count can be said too.
    const onSocket = new Set(['keepAlive', 'keepAliveInitialDelay', 'noDelay']);
    assert.deepEqual(
      known.filter((name) => !set.has(name) && !onSocket.has(name)),
      [],
    );
    assert.deepEqual(
      [...set].filter((name) => !known.includes(name)),
      [],
    );
    assert.deepEqual(Object.keys(CLIENT_KEEP_ALIVE), ['enable', 'initialDelay', 'interval', 'count']);
  });

  test('undici: every timer that a client of this version takes is set, or is said by each attempt', () => {
    const source = readFileSync(need.resolve('undici/types/client.d.ts'), 'utf8');
    const options = /interface Options [^]*?\n {2}\}/.exec(source)![0];
    const living = options.replace(/\/\*\* @deprecated[^]*?\n.*never;/g, '');
    const known = [...living.matchAll(/^ {4}(\w+)\?: (?!never)/gm)].map(([, name]) => name!);
    assert.ok(known.includes('bodyTimeout'), 'the types are read');
    // The connector has the connect timer of each provider; the ping of HTTP/2 stands in `h2Options`.
    const elsewhere = new Set(['connectTimeout', 'pingInterval']);
    const missing = known.filter((name) => (TIMER.test(name) || name.startsWith('autoSelect')) && !elsewhere.has(name));
    assert.deepEqual(
      missing.filter((name) => !Object.hasOwn(POOL_TIMERS, name)),
      [],
    );
    assert.ok(POOL_TIMERS.h2Options.pingInterval > 0);
  });

  /** What Node keeps of the options of a server of HTTP/2. */
  const optionsOf = (server: object): Readonly<Record<string, unknown>> => {
    const symbol = Object.getOwnPropertySymbols(server).find((one) => String(one) === 'Symbol(options)');
    return (server as Record<symbol, Record<string, unknown>>)[symbol!]!;
  };
  const isTimer = (name: string): boolean => TIMER.test(name);

  test('node:http2: every timer of a server and of its sessions is set', () => {
    const plain = createH2();
    const types = readFileSync(need.resolve('@types/node/http2.d.ts'), 'utf8');
    const declared = [...types.matchAll(/interface (?:Session|ServerSession)Options[^]*?\n {4}\}/g)].flatMap(([text]) =>
      [...text.matchAll(/^ {8}(\w+)\?:/gm)].map(([, name]) => name!),
    );
    assert.ok(declared.includes('maxOutstandingPings'), 'the types are read');
    const known = new Set([...declared, ...Object.keys(optionsOf(plain))].filter(isTimer));
    assert.deepEqual([...known].toSorted(), Object.keys(H2_TIMERS).toSorted());
    // TCP keep-alive is set on each socket, which comes from the server of HTTP/1.
    const onSocket = new Set(['keepAlive', 'keepAliveInitialDelay', 'noDelay']);
    const properties = Object.keys(plain).filter((name) => isTimer(name) && !onSocket.has(name));
    assert.deepEqual(properties, Object.keys(H2_BOUNDS));
    const ours = createH2Server({ headerBytes: 1, heartbeatMs: () => 1, serve: () => {}, ended: () => {} });
    for (const [name, value] of Object.entries(H2_TIMERS)) assert.equal(optionsOf(ours)[name], value);
    for (const [name, value] of Object.entries(H2_BOUNDS)) assert.equal((ours as never)[name], value);
  });

  test('ws: every timer of a server’s sockets is set', () => {
    const source = readFileSync(join(dirname(need.resolve('ws')), 'lib/websocket-server.js'), 'utf8');
    const defaults = /options = \{([^]*?)\.\.\.options/.exec(source)![1]!;
    const known = [...defaults.matchAll(/^ +(\w+):/gm)].map(([, name]) => name!);
    assert.ok(known.includes('perMessageDeflate'), 'the defaults are read');
    assert.deepEqual(known.filter(isTimer), Object.keys(WEBSOCKET_TIMERS));
    // What a socket waits for is told by its server alone: none has a number of its own in the source.
    const socket = readFileSync(join(dirname(need.resolve('ws')), 'lib/websocket.js'), 'utf8');
    const timers = [...socket.matchAll(/setTimeout\(([^;]*)\);/g)].map(([, args]) =>
      args!.replaceAll(/\s+/g, ' ').trim(),
    );
    assert.deepEqual(timers, ['0', 'websocket._socket.destroy.bind(websocket._socket), websocket._closeTimeout']);
    for (const [name, value] of Object.entries(WEBSOCKET_TIMERS))
      assert.equal((WEBSOCKET_OPTIONS as never)[name], value);
  });
});
