import type { Client } from 'pg';
import { parseReference } from '#kernel/config/primitives.ts';
import { CliFailure, EXIT, usageFailure } from '../../failure.ts';
import type { Env } from './reference.ts';
import { COUNTED, TABLES, type LitellmData, type Row, type Rows, type TableName } from './tables.ts';

/** A database that does not answer is no reason to wait for minutes. */
const CONNECT_MS = 10_000;
const STATEMENT_MS = 60_000;
/** Parameters of Prisma's URLs that are none of PostgreSQL's. */
const PRISMA_ONLY = ['schema', 'connection_limit', 'pool_timeout', 'pgbouncer', 'socket_timeout'];

/** The address as it was given, or what a reference to the environment holds: a password need not stand in `ps`. */
export function databaseUrl(given: string, env: Env): URL {
  const reference = parseReference(given);
  const text = reference?.from === 'env' ? env[reference.name] : given;
  if (text !== undefined && URL.canParse(text) && /^postgres(ql)?:$/.test(new URL(text).protocol)) return new URL(text);
  throw usageFailure(
    '--database-url is no address of a PostgreSQL database.',
    "write postgresql://user@host/database, or '${env:DATABASE_URL}' to read it from the environment",
  );
}

/** Reads the tables in one read-only transaction: one moment of the database, and nothing in it can change. */
export async function readDatabase(url: URL): Promise<LitellmData> {
  const schema = url.searchParams.get('schema') ?? 'public';
  const name = `database ${decodeURIComponent(url.pathname.slice(1))} at ${url.hostname}`;
  const client = await connected(url);
  try {
    await client.query('BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY');
    const columns = await columnsOf(client, schema);
    if (!columns.has('LiteLLM_VerificationToken')) throw noTables(name, schema);
    const rows = await readTables(client, schema, columns);
    return { rows, counts: await countTables(client, schema, columns), name };
  } catch (error) {
    throw error instanceof CliFailure ? error : unreadable(name, error);
  } finally {
    await client.end();
  }
}

async function connected(url: URL): Promise<Client> {
  // Loaded here: no other command needs it.
  const { default: pg } = await import('pg');
  const address = new URL(url);
  for (const name of PRISMA_ONLY) address.searchParams.delete(name);
  const client = new pg.Client({
    connectionString: address.href,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    application_name: 'headgate import',
    types: { getTypeParser: (oid, format) => (oid === TIMESTAMP ? utcTime : pg.types.getTypeParser(oid, format)) },
  });
  try {
    await client.connect();
    return client;
  } catch (error) {
    throw unreadable(`database at ${url.hostname}`, error);
  }
}

/** `timestamp without time zone`, in which Prisma keeps UTC; the driver's own reading would be local time. */
const TIMESTAMP = 1114;
const utcTime = (text: string): Date => new Date(`${text.replace(' ', 'T')}Z`);

const unreadable = (name: string, error: unknown): CliFailure =>
  new CliFailure({
    code: 'import_database',
    message: `${name}: ${(error as Error).message || (error as { code?: string }).code}`,
    hint: 'nothing was changed; check the address, or export the keys and use --keys',
    exit: EXIT.usage,
  });

const noTables = (name: string, schema: string): CliFailure =>
  new CliFailure({
    code: 'import_database',
    message: `${name} has no table LiteLLM_VerificationToken in the schema ${schema}.`,
    hint: 'name the schema in the address: …?schema=name',
    exit: EXIT.usage,
  });

type Columns = ReadonlyMap<string, ReadonlySet<string>>;

async function columnsOf(client: Client, schema: string): Promise<Columns> {
  const { rows } = await client.query<{ table_name: string; column_name: string }>(
    'SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = $1',
    [schema],
  );
  const out = new Map<string, Set<string>>();
  for (const { table_name: table, column_name: column } of rows) {
    const columns = out.get(table) ?? new Set();
    out.set(table, columns.add(column));
  }
  return out;
}

const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function readTables(client: Client, schema: string, columns: Columns): Promise<Rows> {
  const out = {} as Record<TableName, readonly Row[]>;
  for (const [table, wanted] of Object.entries(TABLES)) {
    const there = wanted.filter((column) => columns.get(table)?.has(column));
    const list = there.map(quoted).join(', ');
    const sql = `SELECT ${list} FROM ${quoted(schema)}.${quoted(table)} ORDER BY ${quoted(wanted[0])}`;
    out[table as TableName] = there.length === 0 ? [] : (await client.query<Row>(sql)).rows;
  }
  return out;
}

async function countTables(client: Client, schema: string, columns: Columns): Promise<LitellmData['counts']> {
  const out: Record<string, number> = {};
  for (const [table, { where }] of Object.entries(COUNTED)) {
    if (!columns.has(table)) continue;
    const sql = `SELECT count(*)::int AS n FROM ${quoted(schema)}.${quoted(table)} WHERE ${where}`;
    out[table] = (await client.query<{ n: number }>(sql)).rows[0]!.n;
  }
  return out;
}
