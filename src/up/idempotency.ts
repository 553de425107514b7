import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { EpochMs, KeyId, CallId, TenantId } from '#kernel/brand.ts';
import { readKey, tenantKey } from '#kernel/whose.ts';
import type { IdempotencyName, KeyClaim } from '#ports/idempotency.ts';
import { MemoryIdempotencyKeys, type KeyJournal } from '#stores/memory/idempotency-keys.ts';
import type { Tenants } from '#capabilities/tenants/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { systemClock } from './system.ts';

/** A line of the journal: a claim, or (without a request) its release. */
type Line = readonly [name: string, call: string, at: number, owner?: string, request?: string];

const FILE = /^keys-(\d{1,15})\.log$/;

/**
 * Idempotency keys in a journal beside the spool: a line is handed to the kernel before its call goes on, so that a
 * retry after `kill -9` finds it. One file holds the keys of one period; a file whose last key is old is deleted.
 */
export function openIdempotency(
  present: { readonly config: GateConfig },
  { directory }: Pick<Tenants, 'directory'>,
  dataDir: string,
): MemoryIdempotencyKeys {
  const bounds = () => {
    const { remember, keysPerApiKey, keys } = present.config.file.idempotency;
    return { rememberMs: remember, ofOwner: keysPerApiKey, inAll: keys };
  };
  const dir = join(dataDir, 'idempotency');
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const tenantOf = (key: string): TenantId | null => directory.key(key)?.tenant ?? null;
  const known = knownIn(dir, systemClock.now() - bounds().rememberMs, tenantOf);
  const journal = new Journal(dir, () => bounds().rememberMs);
  return new MemoryIdempotencyKeys({ bounds, journal, known, now: () => systemClock.now() });
}

const filesIn = (dir: string): readonly { readonly path: string; readonly from: number }[] =>
  readdirSync(dir)
    .flatMap((name) => {
      const from = FILE.exec(name)?.[1];
      return from === undefined ? [] : [{ path: join(dir, name), from: Number(from) }];
    })
    .toSorted((a, b) => a.from - b.from);

/** A name of before names said whose they are; null: the API key is gone, and nobody can repeat its calls. */
const fromOld = (name: string, tenant: TenantId | null): IdempotencyName | null =>
  tenant && tenantKey(tenant, 'idempotency', name);

function knownIn(dir: string, due: number, tenantOf: (key: string) => TenantId | null): Iterable<KeyClaim> {
  /** Of old lines: a release names no API key. */
  const owners = new Map<string, TenantId | null>();
  const claims = new Map<IdempotencyName, KeyClaim>();
  for (const { path } of filesIn(dir)) {
    for (const text of readFileSync(path, 'utf8').split('\n')) {
      const line = lineOf(text);
      if (line === null || line[2] <= due) continue;
      const [written, call, at, owner, request] = line;
      if (owner !== undefined) owners.set(written, tenantOf(owner));
      const name = readKey(written, 'idempotency') ?? fromOld(written, owners.get(written) ?? null);
      if (name === null) continue;
      // Behind the last claim of its name, and so that the oldest stands first.
      claims.delete(name);
      if (owner === undefined || request === undefined) continue;
      const use = { request, call: call as CallId, at: at as EpochMs };
      claims.set(name, { name, owner: owner as KeyId, use });
    }
  }
  return claims.values();
}

/** Null: the process died while it wrote the line, and its call never went on. */
function lineOf(text: string): Line | null {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return null;
  }
}

class Journal implements KeyJournal {
  readonly #dir: string;
  readonly #periodMs: () => number;
  #fd: number | null = null;
  #from = 0;

  constructor(dir: string, periodMs: () => number) {
    this.#dir = dir;
    this.#periodMs = periodMs;
  }

  claimed({ name, owner, use }: KeyClaim): void {
    this.#write([name, use.call, use.at, owner, use.request]);
  }
  released(name: IdempotencyName, call: CallId): void {
    this.#write([name, call, systemClock.now()]);
  }

  #write(line: Line): void {
    const now = systemClock.now();
    if (this.#fd === null || now - this.#from > this.#periodMs()) this.#next(now);
    writeSync(this.#fd!, `${JSON.stringify(line)}\n`);
  }

  #next(now: number): void {
    if (this.#fd !== null) closeSync(this.#fd);
    const old = filesIn(this.#dir);
    // A file holds keys up to the start of the next one.
    for (const [i, { path }] of old.entries())
      if (i + 1 < old.length && old[i + 1]!.from < now - this.#periodMs()) rmSync(path);
    this.#from = now;
    const path = join(this.#dir, `keys-${now}.log`);
    this.#fd = openSync(path, existsSync(path) ? 'a' : 'ax', 0o600);
  }
}
