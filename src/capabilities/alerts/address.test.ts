import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { test } from 'node:test';
import { isPrivateAddress, isWrittenAddress, publicLookup } from '#telemetry/address.ts';
import type { Webhook } from './config.ts';
import { postWebhook } from './post.ts';

test('private, link-local, metadata and loopback addresses are known in every dress', () => {
  for (const address of [
    ...[
      '127.0.0.1',
      '10.1.2.3',
      '172.16.0.1',
      '172.31.255.255',
      '192.168.1.1',
      '169.254.169.254',
      '100.64.0.1',
      '0.0.0.0',
    ],
    ...[
      '::1',
      '::',
      'fe80::1',
      'fd00::1',
      'fc00::1',
      '::ffff:10.0.0.1',
      '::FFFF:169.254.169.254',
      '64:ff9b::a00:1',
      'ff02::1',
    ],
  ])
    assert.equal(isPrivateAddress(address), true, address);
  for (const address of ['1.1.1.1', '172.32.0.1', '192.169.0.1', '2606:4700::1111', '::ffff:8.8.8.8'])
    assert.equal(isPrivateAddress(address), false, address);
});

test('an address in the file is meant; a name that leads to one is refused when it connects', async () => {
  for (const host of ['127.0.0.1', '10.0.0.8', '[::1]', 'localhost']) assert.equal(isWrittenAddress(host), true, host);
  assert.equal(isWrittenAddress('hooks.example.com'), false);
  const error = await new Promise<NodeJS.ErrnoException | null>((resolve) =>
    publicLookup('localhost', { all: true }, (found) => resolve(found)),
  );
  assert.equal(error?.code, 'EPRIVATE');
});

test('a message to a name of this machine is refused, unless the webhook says that it is meant', async (t) => {
  const server = createServer((_request, response) => response.end());
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const webhook: Webhook = {
    ...{ name: 'own', url: `http://${hostname()}:${port}/`, secret: null, format: 'standard', headers: {} },
    ...{ allowPrivate: false, minSeverity: 'info', timeoutMs: 5_000 },
  };
  const resolves = await lookup(hostname()).then(
    ({ address }) => isPrivateAddress(address),
    () => false,
  );
  const message = { id: 'msg_1', body: '{}' };
  const refused = await postWebhook(webhook, message, 0);
  assert.equal(refused.status, null);
  if (resolves) assert.equal(refused.errorCode, 'EPRIVATE');
  if (resolves) assert.equal((await postWebhook({ ...webhook, allowPrivate: true }, message, 0)).status, 200);
  const written = { ...webhook, url: `http://127.0.0.1:${port}/` };
  assert.equal((await postWebhook(written, message, 0)).status, 200);
});
