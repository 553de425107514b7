/** One row of `LiteLLM_VerificationToken`: can the key be carried over, and what of it cannot. Pure. */
import type { Findings, WantedKey } from '../plan.ts';
import { isSet, listLimits, placeOfKey } from './rows.ts';
import type { Row } from './tables.ts';

/** Team of the keys that a login to LiteLLM's own pages makes. */
export const UI_TEAM = 'litellm-dashboard';
const SHA_256 = /^[0-9a-f]{64}$/;
/** What the admin API takes as a raw key. */
const RAW = /^[\x21-\x7e]{16,512}$/;

interface Options {
  readonly now: number;
  readonly findings: Findings;
}

/** LiteLLM stores the SHA-256 of a key that begins with `sk-`, and any other as it is. Null: it stays behind. */
export function keyMaterial(row: Row, { now, findings }: Options): WantedKey['material'] | null {
  const token = String(row['token'] ?? '');
  const left = (why: string, kind: 'left' | 'note' = 'left'): null => {
    findings.add(kind, placeOfKey(row), 'key', [why]);
    return null;
  };
  if (row['team_id'] === UI_TEAM) return left('a login to LiteLLM’s own pages', 'note');
  if (row['blocked'] === true) return left('it is blocked: an unknown key is refused as well', 'note');
  if (row['expires'] instanceof Date && row['expires'].getTime() <= now)
    return left(`it expired at ${row['expires'].toISOString()}`, 'note');
  if (SHA_256.test(token)) return { sha256: token };
  return RAW.test(token) ? { raw: token } : left('it is neither a SHA-256 nor a key of 16 visible characters or more');
}

const REASONS: Readonly<Record<string, string>> = {
  aliases: 'a model has one name for all callers',
  config: 'a configuration is the same for all callers',
  permissions: 'a right of a key is a list of features, labels and models here',
  allowed_routes: 'a key may use every endpoint',
  object_permission_id: 'vector stores and MCP servers are not behind the gate',
  project_id: 'a key belongs to a tenant and a team',
};

export function listKeyLeftovers(row: Row, findings: Findings): void {
  const place = placeOfKey(row);
  listLimits(row, place, findings);
  for (const [name, why] of Object.entries(REASONS)) if (isSet(row[name])) findings.add('left', place, name, [why]);
  const { metadata } = row as { metadata?: unknown };
  if (!isSet(metadata)) return;
  const tags = typeof metadata === 'object' && 'tags' in (metadata as object);
  findings.add(tags ? 'left' : 'note', place, tags ? 'metadata.tags' : 'metadata', [
    tags ? 'tags are labels here, and a label has a name and a value' : 'nothing reads it here',
    tags ? 'headgate keys create --label name=value' : null,
  ]);
}
