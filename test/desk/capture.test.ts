import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { commandLine } from '../declared/declared-world.ts';
import { lockFile } from '../conservation/locker.ts';
import {
  actionsOf,
  chat,
  deskConfig,
  endDesk,
  restart,
  startDesk,
  type ChatOptions,
  type DeskWorld,
} from './drain-world.ts';

const KEY = '0123456789abcdef'.repeat(4);
const OTHER_KEY = 'fedcba9876543210'.repeat(4);
const ENV = { CAPTURE_KEY: KEY, OTHER_KEY };
const CAPTURE = 'capture: { key: "${env:CAPTURE_KEY}", redact: ["customer-\\\\d+"] }\n';
const MARKER = 'zebra-marmalade-typhoon';
const SECRET = 'sk-proj-Ab3dEfGh1jKlMn0pQrStUv';

interface Found {
  readonly path: string;
  readonly bytes: Buffer;
}

/** Every byte below a folder; what is renamed while we look is there under its other name. */
const filesOf = (folder: string): Found[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).flatMap((name): Found[] => {
    const path = join(folder, name);
    try {
      return statSync(path).isFile() ? [{ path, bytes: readFileSync(path) }] : [];
    } catch {
      return [];
    }
  });

describe('captures', () => {
  let world: DeskWorld;
  before(async () => {
    world = await startDesk(CAPTURE, ENV);
  });
  after(() => endDesk(world));
  const data = (): string => join(world.folder, 'state');
  const run = (...args: string[]) => commandLine(data(), args, { COLUMNS: '100' });
  const start = (scope: object) => world.gate.admin('POST', '/captures', { for: '10m', reason: 'r', ...scope });
  const stop = (id: string) => world.gate.admin('DELETE', `/captures/${id}`);
  const content = (id: string) => world.gate.admin('GET', `/calls/${id}/content`);

  /** A call, and its captured text once it is there; null where none comes. */
  async function captured(model: string, options: ChatOptions): Promise<{ id: string; content: any }> {
    const answer = await chat(world, model, options);
    assert.equal(answer.status, 200, answer.text);
    const id = answer.headers.get('x-headgate-call-id')!;
    for (let i = 0; i < 20; i++) {
      const found = await content(id).catch(() => null);
      if (found) return { id, content: found };
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return { id, content: null };
  }

  test('off by default; a scope is kept as it was sent, as each attempt sent it, and as it was answered', async () => {
    assert.equal((await captured('pair', { text: 'nothing of this' })).content, null);
    const { id } = await start({ model: 'pair' });
    const { content: found } = await captured('pair', { text: `echo ${MARKER} [[lab echo]]` });
    assert.match(found.client.text, new RegExp(MARKER));
    assert.match(found.client.text, /"model":"pair"/);
    assert.match(found.attempts[0].request.text, /"model":"lab-small"/);
    assert.match(found.attempts[0].answer.text, new RegExp(MARKER));
    assert.equal(found.attempts[0].status, 200);
    const streamed = await captured('pair', { text: `echo ${MARKER} [[lab echo]]`, body: { stream: true } });
    const answer = streamed.content.attempts[0].answer;
    assert.equal(answer.kind, 'stream');
    assert.match(answer.blocks[0].text, new RegExp(MARKER));
    assert.equal(answer.complete, true);
    assert.equal((await captured('lone', { text: 'another model' })).content, null);
    const asked = { text: 'kept of nobody', headers: { 'x-headgate-no-content': '1' } };
    assert.equal((await captured('pair', asked)).content, null, 'the caller’s word is obeyed');
    world.a.setFaults([{ fault: '500', from: 1 }]);
    const failed = await captured('pair', { text: 'falls back' });
    assert.deepEqual(
      failed.content.attempts.map(({ deployment, status }: any) => [deployment, status]),
      [
        ['east/lab-small', 500],
        ['west/lab-small', 200],
      ],
    );
    assert.match(failed.content.attempts[0].answer.text, /error/);
    world.a.setFaults([]);
    await stop(id);
    assert.equal((await captured('pair', { text: 'after its end' })).content, null);
  });

  test('secrets, addresses, cards, media and the operator’s own words are taken out, in whatever form they come', async () => {
    const { id } = await start({ tenant: 'demo' });
    const picture = Buffer.alloc(3_000, 7).toString('base64');
    const parts = [
      {
        type: 'text',
        text: `key ${SECRET} mail jo@example.com card 4111 1111 1111 1111 customer-4711 ${MARKER} [[lab echo]]`,
      },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${picture}` } },
    ];
    const body = { stream: true, messages: [{ role: 'user', content: parts }] };
    const { id: call, content: found } = await captured('pair', { body });
    const text = JSON.stringify(found);
    for (const secret of [SECRET, 'jo@example.com', '4111 1111', 'customer-4711', picture.slice(0, 80)])
      assert.ok(!text.includes(secret), secret);
    assert.match(text, /\[secret\].*\[email\].*\[card\].*\[redacted\]/);
    assert.match(text, /\[media image\/png, 3000 bytes, sha256 [0-9a-f]{64}\]/);
    assert.match(found.attempts[0].answer.blocks[0].text, /\[secret\]/, 'also where the stream brought it in pieces');
    const shown = await run('calls', 'show', call, '--content');
    assert.equal(shown.code, 0, shown.stderr);
    assert.match(shown.stdout, new RegExp(`user:\\n +key \\[secret\\] mail \\[email\\][^]*${MARKER}`));
    await stop(id);
  });

  test('no byte of the folder, of the log or of a command’s failure has the text', async () => {
    const files = filesOf(data());
    assert.ok(
      files.some(({ path }) => path.endsWith('.captured')),
      'something was kept',
    );
    for (const { path, bytes } of files)
      for (const word of [MARKER, 'falls back', SECRET]) assert.ok(!bytes.includes(word), `${word} in ${path}`);
    assert.ok(!world.gate.stderr().includes(MARKER) && !world.gate.stdout().includes(MARKER));
    for (const { path } of files.filter((file) => file.path.endsWith('.captured')))
      assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test('each start, stop and reading is in the trail', async () => {
    const actions = await actionsOf(world, /capture|read_content/);
    assert.deepEqual(actions.slice(0, 2), ['capture.start', 'call.read_content']);
    assert.ok(actions.includes('capture.stop'));
  });

  test('a terminal obeys nothing of it', async () => {
    const { id } = await start({ tenant: 'demo' });
    const { id: call } = await captured('pair', {
      text: 'red \u001b[31m bell \u0007 title \u001b]0;owned\u0007 end [[lab echo]]',
    });
    const { stdout } = await run('calls', 'show', call, '--content');
    assert.doesNotMatch(stdout, /[\u0000-\u0008\u000b-\u001f]/);
    assert.match(stdout, /red  bell  title  end/);
    await stop(id);
  });

  test('calls diff names the first difference and how far the cache serves both', async () => {
    const { id } = await start({ tenant: 'demo' });
    const messages = (...texts: string[]) => ({
      messages: texts.map((content, i) => ({ role: i === 0 ? 'system' : i % 2 ? 'user' : 'assistant', content })),
    });
    const a = await captured('pair', { body: messages('be brief', 'first question') });
    const b = await captured('pair', { body: messages('be brief', 'first question', 'an answer', 'more') });
    const c = await captured('pair', { body: { ...messages('be brief', 'first questioN'), temperature: 0.5 } });
    const go = async (one: string, other: string) =>
      JSON.parse((await run('calls', 'diff', one, other, '--json')).stdout);
    const longer = await go(a.id, b.id);
    assert.equal(longer.diff.prefix.verdict, 'continues');
    assert.match(longer.diff.first.where, /^messages\[1\] assistant/);
    const { diff } = await go(a.id, c.id);
    assert.match(diff.first.where, /^messages\[0\] user, part 1 \(text\)$/);
    assert.deepEqual([diff.first.a, diff.first.b], ['first question', 'first questioN']);
    assert.deepEqual(diff.others, ['temperature']);
    assert.deepEqual([diff.prefix.verdict, diff.prefix.shared], ['differs', 1]);
    const drawn = (await run('calls', 'diff', a.id, c.id)).stdout;
    assert.match(
      drawn,
      /first difference: messages\[0\] user, part 1 \(text\)\na  first question\nb  first questioN\n/,
    );
    assert.match(drawn, /shared up to messages\[0\] user, part 1 \(text\): 1 of 2 pieces/);
    await stop(id);
  });

  test('what is kept outlives a restart, a rotated key opens it, a missing one says which', async () => {
    const { id } = await start({ tenant: 'demo' });
    const kept = await captured('pair', { text: MARKER });
    await restart(world, CAPTURE, ENV);
    assert.match((await content(kept.id)).client.text, new RegExp(MARKER));
    assert.ok((await captured('pair', { text: 'goes on' })).content, 'the capture goes on');
    await stop(id);
    await restart(world, CAPTURE.replace('CAPTURE_KEY', 'OTHER_KEY'), ENV);
    await assert.rejects(content(kept.id), / 409 .*sealed under the key [0-9a-f]{12}.*capture_sealed/);
    await restart(
      world,
      CAPTURE.replace('${env:CAPTURE_KEY}"', '${env:OTHER_KEY}", oldKeys: ["${env:CAPTURE_KEY}"]'),
      ENV,
    );
    assert.match((await content(kept.id)).client.text, new RegExp(MARKER));
    await restart(world, CAPTURE, ENV);
  });

  test('without a key, or where the file forbids it, nothing starts and nothing is kept', async () => {
    const { id } = await start({ tenant: 'demo' });
    for (const more of ['', CAPTURE.replace('{ key', '{ allowed: false, key')]) {
      await restart(world, more, ENV);
      await assert.rejects(start({ tenant: 'demo' }), / 409 .*capture_off/);
      assert.equal((await captured('pair', { text: MARKER })).content, null);
      assert.match((await run('capture', 'list')).stdout, /capturing is off/);
    }
    await restart(world, CAPTURE, ENV);
    await stop(id);
    await assert.rejects(start({}), / 400 .*names a tenant/);
    await assert.rejects(start({ tenant: 'nobody' }), / 400 /);
    await assert.rejects(start({ tenant: 'demo', for: '8d' }), / 400 /);
  });

  test('while the store is away: captures start, and a reading is noted on this node first', async () => {
    const unlock = await lockFile(join(data(), 'state.db'));
    const { id, kept } = await start({ tenant: 'demo' });
    assert.equal(kept, 'node');
    const before = filesOf(data()).find(({ path }) => path.endsWith('state.late.json'));
    assert.ok(before?.bytes.includes('capture.start'));
    assert.ok((await captured('pair', { text: 'while it is away' })).content);
    assert.ok(
      filesOf(data()).some(({ path, bytes }) => path.endsWith('state.late.json') && bytes.includes('read_content')),
    );
    await unlock();
    await stop(id);
  });

  test('the command line: start, list, stop', async () => {
    const started = await run(
      'capture',
      'start',
      '--tenant',
      'demo',
      '--ratio',
      '50%',
      '--for',
      '10m',
      '--reason',
      'why',
    );
    assert.match(started.stdout, /^capturing 50\.0 % of tenant demo until 20/, started.stderr);
    const listed = (await run('capture', 'list')).stdout;
    assert.match(listed, /cap_\w+ +50\.0 % of tenant demo +(10|9) min.*admin +why/);
    assert.match(listed, /\d+ calls kept, 0\.\d MiB of 1024\.0 MiB, each for 7 d/);
    const id = /cap_\w+/.exec(listed)![0];
    assert.match((await run('capture', 'stop', id)).stdout, /is captured no more/);
  });

  test('a full folder stops capturing and never a call; what expires is deleted by itself, and after a restart', async () => {
    const small = CAPTURE.replace('{ key', '{ maxBytes: 1MB, retention: 6s, key');
    await restart(world, small, ENV);
    const { id } = await start({ tenant: 'demo' });
    // Noise is not compressed, and no pattern knows it.
    const noise = (seed: number): string =>
      Array.from({ length: 60_000 }, (_, i) => ((i * 7919 + seed * 104_729) % 1_000_003).toString(36)).join(' ');
    const folder = async () => (await world.gate.admin('GET', '/captures')).folder;
    for (let i = 0; i < 12 && !(await folder()).isFull; i++) {
      assert.equal((await chat(world, 'pair', { text: `${noise(i)} [[lab output=3]]` })).status, 200);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal((await folder()).isFull, true);
    const { full } = await folder();
    assert.equal((await chat(world, 'pair')).status, 200);
    await world.gate.until('counted as not kept', async () => (await folder()).full > full);
    const now = await commandLine(data(), ['now']);
    assert.match(now.stdout, /folder of captured text is full/);
    assert.match(
      await (
        await fetch(`${world.gate.url}/metrics`, { headers: { authorization: `Bearer ${world.gate.adminToken}` } })
      ).text(),
      /headgate_capture_records_total\{result="full"\} [1-9]/,
    );
    await stop(id);
    await restart(world, small, ENV);
    const files = () =>
      filesOf(data()).filter(({ path, bytes }) => path.endsWith('.captured') && bytes.length > 0).length;
    const old = files();
    for (let i = 0; i < 150 && files() >= old; i++) await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(files() < old, 'what has expired is gone');
    await world.gate.until('room again', async () => !(await folder()).isFull);
  });

  test('a reload takes a key away, and brings it back', async () => {
    const write = (more: string) =>
      writeFileSync(
        join(world.folder, 'headgate.yaml'),
        `${deskConfig(world.a.url, world.b.url)}${more}\ndataDir: ${data()}\nlisten: { port: 0 }\n`,
      );
    write('');
    await world.gate.until('captures are off', async () => !(await world.gate.admin('GET', '/captures')).allowed);
    write(CAPTURE);
    await world.gate.until('captures may run', async () => (await world.gate.admin('GET', '/captures')).allowed);
  });
});
