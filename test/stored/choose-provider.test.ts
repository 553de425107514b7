import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startProvider, type Provider } from '#lab/provider/provider.ts';
import { startGate, type GateProcess } from '../harness/gate-process.ts';
import { sdksSkip } from '../harness/sdks.ts';
import { chatLine, uploadLines } from './batch-lines.ts';
import { personOf, type Person } from './stored-world.ts';

const config = (one: string, two: string, files: string): string => `
providers:
  one: { kind: lab, baseUrl: "${one}/v1" }
  two: { kind: lab, baseUrl: "${two}/v1" }
  bare: { kind: lab-chat, baseUrl: "${one}/v1" }
models:
  first: { deployments: [{ provider: one, model: lab-small }] }
  second: { deployments: [{ provider: two, model: lab-small }] }
  none: { deployments: [{ provider: bare, model: lab-small }] }
features: { contracts: { files: { provider: one } }, search: {} }
${files}`;

describe('which provider keeps a file', { skip: sdksSkip }, () => {
  let [one, two]: Provider[] = [];
  let [open, chosen]: GateProcess[] = [];

  before(async () => {
    [one, two] = await Promise.all([startProvider({ seed: 1 }), startProvider({ seed: 2 })]);
    open = await startGate({ config: config(one.url, two.url, '') });
    chosen = await startGate({ config: config(one.url, two.url, 'files: { provider: two }') });
  });
  after(async () => {
    await Promise.all([open?.stop(), chosen?.stop(), one?.close(), two?.close()]);
  });

  const uploads = (provider: Provider): number =>
    provider.log.filter(({ method, path }) => method === 'POST' && path.endsWith('/files')).length;
  const upload = (person: Person, headers: Record<string, string> = {}) =>
    person.openai.files.create({ file: new File(['x'], 'a.txt'), purpose: 'user_data' }, { headers });
  async function goesTo(send: () => Promise<unknown>): Promise<string> {
    const before = [uploads(one!), uploads(two!)];
    await send();
    return uploads(one!) > before[0]! ? 'one' : uploads(two!) > before[1]! ? 'two' : 'nowhere';
  }

  test('the only one of the key’s models', async () => {
    const person = await personOf(open!, 'ten_two', { models: ['second', 'none'] });
    assert.equal(await goesTo(() => upload(person)), 'two');
  });

  test('of several none, unless the operator chose; no header chooses', async () => {
    const person = await personOf(open!, 'ten_many', { rights: { features: ['contracts', 'search'] } });
    for (const headers of [{}, { 'x-headgate-provider': 'one' }, { 'x-headgate-feature': 'search' }] as Record<
      string,
      string
    >[])
      await assert.rejects(
        upload(person, headers),
        (error: any) => error.status === 400 && /`files.provider`/.test(error.message),
      );
    assert.equal(await goesTo(() => upload(person, { 'x-headgate-feature': 'contracts' })), 'one');
    const other = await personOf(chosen!, 'ten_many', { rights: { features: ['contracts'] } });
    assert.equal(await goesTo(() => upload(other)), 'two');
    assert.equal(await goesTo(() => upload(other, { 'x-headgate-feature': 'contracts' })), 'one');
  });

  test('a batch goes where its models are, all of them', async () => {
    const person = await personOf(open!, 'ten_batches');
    assert.equal(await goesTo(() => uploadLines(person, [chatLine('a', 'x', 'second')])), 'two');
    const mixed = [chatLine('a', 'x', 'first'), chatLine('b', 'x', 'second')];
    await assert.rejects(
      uploadLines(person, mixed),
      (error: any) => error.status === 400 && /Line 2: .*another provider/.test(error.message),
    );
    await assert.rejects(
      uploadLines(person, [chatLine('a', 'x', 'none')]),
      (error: any) => error.status === 400 && /no provider that runs such batches/.test(error.message),
    );
  });

  test('a key whose models keep none', async () => {
    const person = await personOf(open!, 'ten_none', { models: ['none'] });
    await assert.rejects(upload(person), (error: any) => error.status === 400 && /keeps files/.test(error.message));
  });
});
