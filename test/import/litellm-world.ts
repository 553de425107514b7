import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';

/** A PostgreSQL in which a test may make and drop a schema of its own. */
const SERVER = process.env['HEADGATE_TEST_POSTGRES'] ?? 'postgresql://postgres@127.0.0.1:5432/test';

/** Tables of LiteLLM in a schema of their own, with keys as LiteLLM stores them. */
export interface LitellmDatabase {
  /** As Prisma writes it, `?schema=` included. */
  readonly url: string;
  query(sql: string, values?: readonly unknown[]): Promise<readonly Record<string, unknown>[]>;
  drop(): Promise<void>;
}

/** Null: no PostgreSQL answers here. */
export async function litellmDatabase(name = 'import'): Promise<LitellmDatabase | null> {
  const client = new pg.Client({ connectionString: SERVER, connectionTimeoutMillis: 3_000 });
  try {
    await client.connect();
  } catch {
    return null;
  }
  const schema = `headgate_${name}_${process.pid}`;
  await client.query(`CREATE SCHEMA ${schema}`);
  await client.query(`SET search_path TO ${schema}`);
  await client.query(readFileSync(join(import.meta.dirname, 'litellm-tables.sql'), 'utf8'));
  return {
    url: `${SERVER}?schema=${schema}&connection_limit=5`,
    query: async (sql, values = []) => (await client.query(sql, [...values])).rows,
    drop: async () => {
      await client.query(`DROP SCHEMA ${schema} CASCADE`);
      await client.end();
    },
  };
}

/** The form in which LiteLLM stores a key that begins with `sk-`. */
export const stored = (raw: string): string => createHash('sha256').update(raw).digest('hex');
