import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { describe, test } from 'node:test';
import { CLIENT_KEEP_ALIVE, SERVER_BOUNDS, SERVER_TIMERS } from '../../src/gateway/timers.ts';
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
});
