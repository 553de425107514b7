import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DialectName } from '#wire/canonical.ts';
import { dialectFor, headersOf, makeProvider, pathOf, PROVIDERS, retryableStatus, type Provider } from './index.ts';
import type { ProviderSettings } from './interpreter.ts';

const openai = PROVIDERS['openai']!;
const make = (kind: string, more: Partial<ProviderSettings> = {}): Provider =>
  makeProvider({ name: 'p', data: PROVIDERS[kind]!, apiKey: 'sk-own', ...more });

const seen = (provider: Provider, client: Record<string, string | string[]>): Map<string, string> => {
  const flat = headersOf(provider, client);
  const map = new Map<string, string>();
  for (let at = 0; at < flat.length; at += 2) {
    assert.ok(!map.has(flat[at]!), `${flat[at]} is sent twice`);
    map.set(flat[at]!, flat[at + 1]!);
  }
  return map;
};

describe('makeProvider', () => {
  const refused = (more: Partial<ProviderSettings>, says: RegExp, kind = 'openai-compatible'): void =>
    assert.throws(
      () => make(kind, more),
      (error) => error instanceof RangeError && says.test(error.message),
    );

  test('joins data and settings, and is frozen', () => {
    const provider = make('vllm', { baseUrl: 'http://gpu-1:8000/v1/', timers: { idleMs: 5_000 } });
    assert.equal(provider.origin, 'http://gpu-1:8000');
    assert.equal(provider.basePath, '/v1');
    assert.equal(provider.timers.idleMs, 5_000);
    assert.equal(provider.timers.totalMs, PROVIDERS['vllm']!.timers.totalMs);
    assert.ok(Object.isFrozen(provider) && Object.isFrozen(provider.headers));
  });
  test('refuses what is missing', () => {
    refused({}, /set `baseUrl`/);
    refused({ apiKey: null }, /`apiKey` is missing/, 'openai');
    refused({ apiKey: '' }, /`apiKey` is missing/, 'anthropic');
  });
  test('refuses URLs that hold a credential, a query or another scheme', () => {
    refused({ baseUrl: 'https://user:secret@host/v1' }, /credentials belong in `apiKey`/);
    refused({ baseUrl: 'https://secret@host/v1' }, /credentials belong/);
    refused({ baseUrl: 'https://host/v1?key=secret' }, /belongs in `query`/);
    refused({ baseUrl: 'https://host/v1#x' }, /belongs in `query`/);
    for (const baseUrl of ['file:///etc/passwd', 'ftp://host', 'unix:/run/x', 'javascript:1'])
      refused({ baseUrl }, /http or https/);
    for (const baseUrl of ['host/v1', '//host', 'http://']) refused({ baseUrl }, /not a URL/);
  });
  test('quotes no credential in a refusal', () => {
    for (const baseUrl of ['https://user:s3cret@host', 'https://host?key=s3cret', 'ftp://u:s3cret@host', 's3cret'])
      assert.throws(
        () => make('vllm', { baseUrl }),
        (error: Error) => !error.message.includes('s3cret'),
      );
    assert.throws(
      () => make('openai', { apiKey: 's3cret\n' }),
      (error: Error) => !error.message.includes('s3cret'),
    );
  });
  test('refuses what no header can carry and what frames the message', () => {
    refused({ apiKey: 'sk-a\r\nx: y' }, /no header can carry/, 'openai');
    refused({ apiKey: 'sk-é' }, /no header can carry/, 'openai');
    refused({ headers: { 'x a': '1' } }, /not a valid header/, 'openai');
    refused({ headers: { 'x-a': 'b\r\nc: d' } }, /not a valid header/, 'openai');
    for (const name of ['Content-Length', 'transfer-encoding', 'Accept-Encoding'])
      refused({ headers: { [name]: '1' } }, /set by the gate/, 'openai');
  });
});

describe('headersOf', () => {
  const client = {
    authorization: 'Bearer hg_client',
    'x-api-key': 'hg_client',
    'api-key': 'hg_client',
    cookie: 'a=b',
    host: 'gate.internal',
    'openai-organization': 'org-1',
    'openai-project': 'proj-1',
    'x-forwarded-for': '10.0.0.1',
    'x-forwarded-host': 'evil',
    'x-stainless-timeout': '600',
    'content-length': '7',
    'transfer-encoding': 'chunked',
    'accept-encoding': 'gzip',
    'user-agent': 'OpenAI/JS',
    'anthropic-beta': 'a,b',
    'anthropic-version': '2024-01-01',
    'openai-beta': 'realtime=v1',
    'x-lab-fault': 'stall',
    'x-headgate-feature': 'search',
  };
  const allowed: Record<string, string[]> = {
    openai: ['openai-beta'],
    azure: ['openai-beta'],
    anthropic: ['anthropic-beta', 'anthropic-version'],
    lab: ['anthropic-beta', 'anthropic-version', 'openai-beta', 'x-lab-fault'],
    mistral: [],
  };
  for (const [kind, names] of Object.entries(allowed)) {
    test(`${kind}: of a client's headers only ${names.join(', ') || 'none'} cross`, () => {
      const sent = seen(make(kind, { baseUrl: 'http://127.0.0.1:9' }), client);
      const crossed = Object.entries(client).filter(([name, value]) => sent.get(name) === value);
      assert.deepEqual(crossed.map(([name]) => name).sort(), names);
      assert.ok(![...sent.values()].some((value) => value.includes('hg_client')));
      assert.equal(sent.get('user-agent'), 'headgate');
    });
  }
  test('the credential is sent once, in the form of the provider', () => {
    assert.equal(seen(make('openai'), client).get('authorization'), 'Bearer sk-own');
    assert.equal(seen(make('anthropic'), client).get('x-api-key'), 'sk-own');
    assert.equal(
      seen(make('azure', { baseUrl: 'https://r.openai.azure.com/openai/v1' }), client).get('api-key'),
      'sk-own',
    );
    const lab = { baseUrl: 'http://127.0.0.1:9' };
    assert.equal(seen(make('lab', lab), {}).get('authorization'), 'Bearer sk-own');
    assert.equal(seen(make('lab', { ...lab, apiKey: null }), {}).get('authorization'), 'Bearer lab');
    assert.equal(seen(make('vllm', { ...lab, apiKey: null }), client).get('authorization'), undefined);
  });
  test('the data file gives defaults that the client replaces; the operator has the last word', () => {
    assert.equal(seen(make('anthropic'), {}).get('anthropic-version'), '2023-06-01');
    assert.equal(seen(make('anthropic'), client).get('anthropic-version'), '2024-01-01');
    const own = make('anthropic', {
      headers: { 'Anthropic-Version': '2023-01-01', 'User-Agent': 'acme', 'x-team': 'a' },
    });
    const sent = seen(own, client);
    assert.equal(sent.get('anthropic-version'), '2023-01-01');
    assert.equal(sent.get('user-agent'), 'acme');
    assert.equal(sent.get('x-team'), 'a');
  });
  test('a prefix lets its own names through and no others', () => {
    const sent = seen(make('lab', { baseUrl: 'http://127.0.0.1:9' }), {
      'x-lab-a': '1',
      'x-lab-b': '2',
      'x-labs': '3',
    });
    assert.deepEqual([sent.get('x-lab-a'), sent.get('x-lab-b'), sent.has('x-labs')], ['1', '2', false]);
  });
  test('a header that came more than once is not passed', () => {
    assert.ok(!seen(make('openai'), { 'openai-beta': ['a', 'b'] }).has('openai-beta'));
  });
});

const asked = (dialect: DialectName, model: string, clientQuery: string, stream = false) => ({
  dialect,
  model,
  stream,
  clientQuery,
});

describe('pathOf', () => {
  test('a streamed call may have a path and a fixed query of its own, which no client replaces', () => {
    const data = { ...openai, streamPaths: { 'openai-chat': '/m/{model}:stream?alt=sse' } } as const;
    const provider = make('openai', { data, query: { tier: 'a' } });
    const at = (query: string, stream: boolean): string => pathOf(provider, asked('openai-chat', 'x/y', query, stream));
    assert.equal(at('', true), '/v1/m/x%2Fy:stream?alt=sse&tier=a');
    assert.equal(at('ALT=json&b=1&tier=z', true), '/v1/m/x%2Fy:stream?alt=sse&b=1&tier=a');
    assert.equal(at('b=1', false), '/v1/chat/completions?b=1&tier=a');
  });
  const azure = (query?: Record<string, string>): Provider =>
    make('azure-deployments', { baseUrl: 'https://r.openai.azure.com/openai', ...(query && { query }) });

  test('keeps the client’s query as it stands', () => {
    assert.equal(pathOf(make('anthropic'), asked('anthropic-messages', 'm', 'beta=true')), '/v1/messages?beta=true');
    assert.equal(pathOf(make('anthropic'), asked('anthropic-messages', 'm', '')), '/v1/messages');
    assert.equal(
      pathOf(make('openai'), asked('openai-chat', 'm', 'a=%20b&c&a=2')),
      '/v1/chat/completions?a=%20b&c&a=2',
    );
  });
  test('ours wins on a clash, whatever the case and however often it was sent', () => {
    const path = '/openai/deployments/gpt-x/chat/completions';
    assert.equal(pathOf(azure(), asked('openai-chat', 'gpt-x', '')), `${path}?api-version=2024-10-21`);
    const sent = 'api-version=1&API-Version=2&%61pi-version=3&beta=true';
    assert.equal(pathOf(azure(), asked('openai-chat', 'gpt-x', sent)), `${path}?beta=true&api-version=2024-10-21`);
    assert.equal(
      pathOf(azure({ 'api-version': 'p' }), asked('openai-chat', 'gpt-x', sent)),
      `${path}?beta=true&api-version=p`,
    );
  });
  test('a caller’s credential in the query does not cross', () => {
    const sent = 'key=AIza1&alt=sse&API_KEY=2&%6Bey=3&access_token=4&bad%zz=5&=6';
    assert.equal(pathOf(make('google'), asked('openai-chat', 'm', sent)), '/v1beta/openai/chat/completions?alt=sse');
    assert.equal(pathOf(make('google'), asked('openai-chat', 'm', 'key=1')), '/v1beta/openai/chat/completions');
  });
  test('a model name is one segment, never another path', () => {
    const models = fc.oneof(
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom('..', '.', '../../x', 'a/b?c#d', '%2e%2e', 'a\ud800b'),
    );
    fc.assert(
      fc.property(models, (model) => {
        const path = pathOf(azure(), asked('openai-chat', model, ''));
        const { pathname, search } = new URL(path, 'https://h');
        assert.match(pathname, /^\/openai\/deployments\/[^/]*\/chat\/completions$/);
        assert.equal(search, '?api-version=2024-10-21');
      }),
      { seed: 20261124 },
    );
  });
});

describe('dialectFor and retryableStatus', () => {
  const cases: [string, DialectName, DialectName | null][] = [
    ['openai', 'openai-responses', 'openai-responses'],
    ['openai', 'anthropic-messages', 'openai-responses'],
    ['mistral', 'anthropic-messages', 'openai-chat'],
    ['mistral', 'openai-responses', 'openai-chat'],
    ['anthropic', 'openai-chat', 'anthropic-messages'],
    ['anthropic', 'openai-embeddings', null],
    ['tei', 'openai-chat', null],
    ['openai', 'anthropic-count', null],
    ['llama-cpp', 'anthropic-count', 'anthropic-count'],
  ];
  for (const [kind, asked, spoken] of cases) {
    test(`${kind} asked in ${asked} is spoken to in ${spoken}`, () => {
      assert.equal(dialectFor(PROVIDERS[kind]!, asked), spoken);
    });
  }
  test('overload moves on, the caller’s own mistake does not', () => {
    for (const status of [408, 409, 429, 500, 503, 529]) assert.ok(retryableStatus(openai, status), String(status));
    for (const status of [200, 302, 400, 401, 404, 413, 422])
      assert.ok(!retryableStatus(openai, status), String(status));
    assert.ok(retryableStatus(PROVIDERS['groq']!, 498));
    assert.ok(!retryableStatus(openai, 498));
  });
});

describe('logins of subscriptions', () => {
  test('are taken by official hosts alone', () => {
    const refused = (kind: string, baseUrl: string | undefined, says: RegExp): void =>
      assert.throws(() => make(kind, { subscription: true, baseUrl, apiKey: null }), says);
    refused('anthropic', 'https://proxy.example/v1', /a login goes to no other host/);
    refused('anthropic', 'https://api.anthropic.com.evil.example/v1', /a login goes to no other host/);
    refused('openai', undefined, /has no subscriptions/);
    assert.ok(make('anthropic', { subscription: true, apiKey: null }).subscription);
    assert.ok(make('chatgpt', { subscription: true, apiKey: null }).subscription);
  });
  test('stand in place of the credential', () => {
    const provider = make('anthropic', { subscription: true });
    const headers = headersOf(
      provider,
      { authorization: 'Bearer mine', 'anthropic-beta': 'oauth-2025-04-20' },
      undefined,
      'Bearer mine',
    );
    assert.ok(!headers.includes('sk-own') && !headers.includes('x-api-key'));
    assert.equal(headers[headers.indexOf('authorization') + 1], 'Bearer mine');
    assert.ok(headers.includes('oauth-2025-04-20'));
  });
});
