import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as ws from 'ws';
import { textFrame } from './text-frame.ts';

test('a receiver that we did not write reads every length, at each border', async () => {
  for (const length of [0, 1, 125, 126, 127, 65_535, 65_536, 200_000]) {
    const text = 'é'.repeat(length >> 1) + (length % 2 ? 'x' : '');
    const receiver = new (ws as any).Receiver();
    const got = new Promise((resolve, reject) => {
      receiver.on('message', (data: Buffer, isBinary: boolean) => resolve([data.toString(), isBinary]));
      receiver.on('error', reject);
    });
    receiver.write(textFrame(text));
    assert.deepEqual(await got, [text, false]);
  }
});
