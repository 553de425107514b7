import type { Person } from './stored-world.ts';

/** One line of OpenAI's batch input. */
export const chatLine = (customId: string, text: string, model = 'echo', more: object = {}): string =>
  JSON.stringify({
    custom_id: customId,
    method: 'POST',
    url: '/v1/chat/completions',
    body: { model, messages: [{ role: 'user', content: text }], max_completion_tokens: 50, ...more },
  });

export const jsonl = (lines: readonly string[]): File => new File([`${lines.join('\n')}\n`], 'input.jsonl');

export const uploadLines = ({ openai }: Person, lines: readonly string[]) =>
  openai.files.create({ file: jsonl(lines), purpose: 'batch' });

/** Uploads lines and makes a batch of them; `order` is the simulated provider's (`ms=300,end=expired`). */
export async function makeBatch(person: Person, lines: readonly string[], order = 'ms=100') {
  const file = await uploadLines(person, lines);
  return person.openai.batches.create(
    { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' },
    { headers: { 'x-lab-batch': order } },
  );
}

/** Polls as a client does, until the batch has ended. */
export async function endOf({ openai }: Person, id: string) {
  for (let i = 0; i < 200; i++) {
    const batch = await openai.batches.retrieve(id);
    if (['completed', 'expired', 'cancelled', 'failed'].includes(batch.status)) return batch;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error('the batch does not end');
}

/** Rows of a result file, as the provider wrote them. */
export async function rowsOf({ openai }: Person, id: string): Promise<any[]> {
  const text = await (await openai.files.content(id)).text();
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
}
