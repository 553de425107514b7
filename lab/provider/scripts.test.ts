import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startProvider } from './provider.ts';

const SCRIPT = {
  turns: [{ text: 'Nobody asked.' }],
  aside: 'A title.',
  parts: [
    {
      after: 'FIRST',
      turns: [{ text: 'One.', tools: [{ name: 'look', input: {} }], faultOnce: '529' }, { text: 'Two.' }],
    },
    { after: 'SECOND', turns: [{ text: 'Three.' }] },
  ],
};
const TOOLS = [{ name: 'look', input_schema: { type: 'object', properties: {} } }];
const user = (content: string) => ({ role: 'user', content });
const assistant = (content: string) => ({ role: 'assistant', content });

test('a script of parts: the question asked last speaks, from its own first turn; a fault happens once; asides', async () => {
  const lab = await startProvider({ scripts: { s: SCRIPT } });
  const ask = async (messages: readonly object[], tools: readonly object[] = TOOLS) => {
    const response = await fetch(`${lab.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'k', 'anthropic-version': '2023-06-01' },
      body: JSON.stringify({ model: 'lab-script:s', max_tokens: 99, messages, ...(tools.length > 0 && { tools }) }),
    });
    const body = (await response.json()) as { content?: { text?: string }[] };
    return response.status === 200 ? body.content![0]!.text : response.status;
  };
  const first = user('FIRST question');
  assert.equal(await ask([first], []), 'A title.', 'without tools, and before the fault');
  assert.equal(await ask([first]), 529);
  assert.equal(await ask([first]), 'One.');
  assert.equal(await ask([first, assistant('One.'), user('result')]), 'Two.');
  assert.equal(await ask([first, assistant('One.'), user('SECOND question')]), 'Three.');
  assert.equal(await ask([first, user('SECOND question')]), 'Three.', 'two questions in one breath');
  assert.equal(await ask([user('something else')]), 'Nobody asked.');
  assert.deepEqual(
    lab.log.map(({ turn }) => turn),
    ['aside', 'FIRST#0', 'FIRST#0', 'FIRST#1', 'SECOND#0', 'SECOND#0', '#0'],
  );
  await lab.close();
});
