import type { Findings } from '../plan.ts';
import type { Taken } from '../taken.ts';

const FROM_ENVIRONMENT = /^os\.environ\/(.+)$/;

export type Env = Readonly<Record<string, string | undefined>>;

/** Name of the variable that a text refers to (`os.environ/NAME`); null: it is a value. */
export const variableOf = (text: string): string | null => FROM_ENVIRONMENT.exec(text.trim())?.[1]?.trim() ?? null;

/** A secret as our reference. One in the clear is not repeated: it is listed, with the variable that it must be in. */
export function secretReference(from: Taken, name: string, standIn: string, findings: Findings): string | undefined {
  const text = from.text(name);
  if (text === undefined) return undefined;
  const variable = variableOf(text);
  if (variable !== null) return `\${env:${variable}}`;
  findings.add('left', from.place(name), from.what(name), [
    'a secret in the clear: Headgate keeps references alone, and it is not repeated here',
    `put it into the environment as ${standIn}`,
  ]);
  return `\${env:${standIn}}`;
}

/** A plain text, read through the environment where it refers to it; undefined, and listed, where that has none. */
export function plainText(from: Taken, name: string, env: Env, findings: Findings): string | undefined {
  const text = from.text(name);
  const variable = text === undefined ? null : variableOf(text);
  if (variable === null) return text;
  const value = env[variable];
  if (value !== undefined && value !== '') {
    findings.add('changed', from.place(name), from.what(name), [
      `${variable} was read now and its value written down: an address is no reference in Headgate`,
    ]);
    return value;
  }
  findings.add('left', from.place(name), from.what(name), [
    `the variable ${variable} is not set here, and an address must be known`,
    `set ${variable} and import again`,
  ]);
  return undefined;
}
