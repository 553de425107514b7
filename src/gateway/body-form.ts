import type { StrictJson } from '#wire/json/strict.ts';
import type { BodyChanges } from '#wire/dialect.ts';
import type { BodyForm, ProviderData } from '#providers/provider-data.ts';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** What a platform asks of a body beside its dialect, as changes. `sent`: the caller's own, where the dialect is its own. */
export function formChanges(
  form: BodyForm,
  data: ProviderData,
  sent: { readonly body: StrictJson; readonly headers: Headers } | null,
): Pick<BodyChanges, 'set'> & { readonly drop: readonly string[] } {
  const set: Record<string, string> = {};
  for (const [member, json] of Object.entries(form.set)) if (!sent?.body.spans.has(member)) set[member] = json;
  if (sent && form.listHeader) {
    const { header, member } = form.listHeader;
    const words = wordsOf(sent.headers[header]).filter((word) => accepts(data, header, word));
    const own = sent.body.value[member];
    const all = Array.isArray(own) ? [...new Set([...(own as unknown[]), ...words])] : words;
    if (words.length > 0) set[member] = JSON.stringify(all);
  }
  return { set, drop: form.leaveOut };
}

const wordsOf = (value: string | string[] | undefined): string[] =>
  (typeof value === 'string' ? value.split(',') : []).map((word) => word.trim()).filter((word) => word !== '');

const accepts = ({ acceptedWords }: ProviderData, header: string, word: string): boolean =>
  acceptedWords?.[header]?.includes(word) ?? true;

/** Words of list headers that the provider does not accept, as `x-headgate-dropped` names them. */
export function refusedWords(data: ProviderData, headers: Headers): string[] {
  return Object.keys(data.acceptedWords ?? {}).flatMap((header) =>
    wordsOf(headers[header])
      .filter((word) => !accepts(data, header, word))
      .map((word) => `${header}: ${word}`),
  );
}
