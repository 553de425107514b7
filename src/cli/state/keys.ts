import { text as readAll } from 'node:stream/consumers';
import { shortId } from '#kernel/ids.ts';
import type { StateView } from '../connect/source.ts';
import type { CliContext } from '../context.ts';
import { usageFailure } from '../failure.ts';
import { future, type CommonFlags } from '../flags.ts';
import { UNKNOWN } from '../format.ts';
import { jsonText } from '../json.ts';
import type { Cell } from '../table.ts';
import { ask, change, day, given, listed, source, SOURCE, word } from './change.ts';

interface KeySettings extends CommonFlags {
  readonly owner?: string;
  readonly expires?: (now: number) => string;
  readonly model?: readonly string[];
  readonly feature?: string;
  readonly label?: readonly string[];
  readonly allowFeature?: readonly string[];
  readonly allowLabel?: readonly string[];
  readonly allowEndUser: boolean;
  readonly operator: boolean;
}
export interface KeyCreateFlags extends KeySettings {
  readonly tenant: string;
  readonly team?: string;
  readonly name: string;
}
export interface KeyImportFlags extends KeyCreateFlags {
  readonly sha256?: string;
}
export interface KeyListFlags extends CommonFlags {
  readonly tenant?: string;
  readonly team?: string;
}
export interface KeyUpdateFlags extends CommonFlags {
  readonly name?: string;
  readonly owner?: string;
  readonly expires?: string;
  readonly model?: readonly string[];
  readonly feature?: string;
}
export interface KeyRotateFlags extends CommonFlags {
  readonly overlap: string;
}

const path = (id: string): string => `/keys/${encodeURIComponent(id)}`;

/** Fields of a new key in the admin API's names. */
function bodyOf(flags: KeyCreateFlags, now: number): object {
  const { tenant, team, name, owner, model, feature, allowFeature, allowLabel, operator } = flags;
  const features = allowFeature?.includes('*') ? '*' : allowFeature;
  const rights = given({ features, labels: allowLabel, endUser: flags.allowEndUser || undefined });
  return {
    tenant,
    name,
    ...given({ team, owner, models: model, defaultFeature: feature, expiresAt: flags.expires?.(now) }),
    ...(flags.label && { defaultLabels: Object.fromEntries(flags.label.map(labelPair)) }),
    ...(Object.keys(rights).length > 0 && { rights }),
    ...(operator && { operator }),
  };
}

function labelPair(label: string): [string, string] {
  const cut = label.indexOf('=');
  if (cut < 1) throw usageFailure(`--label ${label} is no label.`, 'write --label name=value');
  return [label.slice(0, cut), label.slice(cut + 1)];
}

/** The key alone goes to stdout, so that a script can keep it; the rest is for people. */
function printKey({ terminal }: CliContext, { json }: CommonFlags, answer: StateView): void {
  if (json) return terminal.print(jsonText(answer));
  terminal.print(String(answer['key']));
  terminal.note(
    `key ${word(answer['id'])} “${word(answer['name'])}” of ${word(answer['tenant'])}: shown this once, keep it now`,
  );
}

export async function createKey(this: CliContext, flags: KeyCreateFlags): Promise<void> {
  const body = bodyOf(flags, this.now());
  printKey(this, flags, await ask(this, flags, { method: 'POST', path: '/keys', body }));
}

export async function importKey(this: CliContext, { sha256, ...flags }: KeyImportFlags): Promise<void> {
  // Never by a flag: what stands on a command line is in the history and in `ps`.
  const material = sha256 === undefined ? { raw: await keyFromStdin(this) } : { sha256 };
  await change(this, flags, {
    ...{ method: 'POST', path: '/keys/import', body: { ...bodyOf(flags, this.now()), ...material } },
    done: (key) => `imported key ${word(key['id'])} “${word(key['name'])}” of ${word(key['tenant'])}`,
  });
}

async function keyFromStdin({ terminal }: CliContext): Promise<string> {
  if (process.stdin.isTTY) terminal.note('paste the key, then end with Ctrl-D');
  const raw = (await readAll(process.stdin)).trim();
  if (raw === '') throw usageFailure('No key came by stdin.', 'pipe the key in, or give --sha256');
  return raw;
}

export function listKeys(this: CliContext, { tenant, team, ...flags }: KeyListFlags): Promise<void> {
  const wholeIds = !this.terminal.isTerminal || this.terminal.width >= 150;
  return listed(this, flags, {
    kind: 'keys',
    filter: given({ tenant, team }),
    columns: [
      { title: 'key' },
      { title: 'name', shrinkTo: 10 },
      { title: 'tenant', shrinkTo: 8 },
      { title: 'team', shrinkTo: 8, leaves: 3 },
      { title: 'begins with', leaves: 2 },
      { title: 'models', shrinkTo: 12, leaves: 4 },
      { title: 'state' },
      SOURCE,
      { title: 'expires', leaves: 1 },
    ],
    row: (key) => [
      wholeIds ? word(key['id']) : shortId(word(key['id'])),
      word(key['name']),
      word(key['tenant']),
      word(key['team']),
      key['hint'] === '' ? UNKNOWN : word(key['hint']),
      key['models'] === null ? 'all' : word((key['models'] as string[]).join(', ')),
      stateCell(this, key),
      source(key),
      key['expiresAt'] === null ? 'never' : day(this, key['expiresAt']),
    ],
    empty: 'No keys.',
    hint: 'headgate keys create --tenant <id> --name <name>',
  });
}

function stateCell({ terminal: { paint }, now }: CliContext, key: StateView): Cell {
  if (key['revokedAt']) return { text: 'revoked', tone: paint.dim };
  if (key['expiresAt'] && Date.parse(String(key['expiresAt'])) <= now()) return { text: 'expired', tone: paint.warn };
  const rotating = (key['previousUntil'] as string[]).some((until) => Date.parse(until) > now());
  return rotating ? 'active, old secret too' : 'active';
}

export function updateKey(this: CliContext, flags: KeyUpdateFlags, id: string): Promise<void> {
  const orNull = <T>(value: T | undefined): T | null | undefined => (value === 'none' ? null : value);
  const { name, model } = flags;
  const expires = orNull(flags.expires);
  const body = given({
    name,
    owner: orNull(flags.owner),
    defaultFeature: orNull(flags.feature),
    expiresAt: typeof expires === 'string' ? expiry(expires)(this.now()) : expires,
    models: model?.length === 1 && model[0] === 'none' ? null : model,
  });
  if (Object.keys(body).length === 0)
    throw usageFailure('Nothing to change.', 'give --name, --owner, --expires, --model or --feature');
  return change(this, flags, {
    ...{ method: 'PATCH', path: path(id), body },
    done: (key) => `changed key ${word(key['id'])} “${word(key['name'])}”`,
  });
}

function expiry(text: string): (now: number) => string {
  try {
    return future(text);
  } catch (error) {
    throw usageFailure(`--expires ${text}: ${(error as Error).message}`, 'write 30d, 2026-12-31 or none');
  }
}

export function revokeKey(this: CliContext, flags: CommonFlags, id: string): Promise<void> {
  return change(this, flags, {
    ...{ method: 'POST', path: `${path(id)}/revoke`, body: {} },
    done: (key) => `revoked key ${word(key['id'])} “${word(key['name'])}” of ${word(key['tenant'])}`,
    hint: `headgate calls list --key ${id}   who used it last`,
  });
}

export async function rotateKey(this: CliContext, { overlap, ...flags }: KeyRotateFlags, id: string): Promise<void> {
  const answer = await ask(this, flags, { method: 'POST', path: `${path(id)}/rotate`, body: { overlap } });
  printKey(this, flags, answer);
  if (!flags.json) this.terminal.note(`the old secret works for another ${overlap}`);
}
