import type { ClientSnippets } from '#gateway/snippets/index.ts';
import { CliFailure, EXIT } from '../failure.ts';

/** The first model that the key may call and that suits the client. */
export async function modelFor(url: string, key: string, { models, title }: ClientSnippets): Promise<string> {
  const response = await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${key}` } });
  const body = (await response.json()) as { data?: readonly { id: string }[]; error?: { message?: string } };
  if (!response.ok)
    throw new CliFailure({
      code: 'key_refused',
      message: body.error?.message ?? `The gate answered ${response.status}.`,
      hint: 'leave --key out for a new key',
    });
  const names = (body.data ?? []).map(({ id }) => id).filter((id) => !/embed/.test(id));
  const found = models ? names.find((name) => models.test(name)) : names[0];
  if (found) return found;
  throw new CliFailure({
    code: 'usage',
    message:
      names.length === 0
        ? 'The gate lists no model by its full name.'
        : `None of the listed models suits ${title}: ${names.slice(0, 8).join(', ')}.`,
    hint: 'name one with --model',
    exit: EXIT.usage,
  });
}
