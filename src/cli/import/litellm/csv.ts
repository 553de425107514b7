import { usageFailure } from '../../failure.ts';
import { TABLES, type LitellmData, type Row } from './tables.ts';

/** Keys from a CSV whose head names columns of `LiteLLM_VerificationToken`; others are not looked at. */
export async function readKeysCsv(text: string, name: string): Promise<LitellmData> {
  // Loaded here: no other command needs it.
  const { parse } = await import('csv-parse/sync');
  let records: readonly Readonly<Record<string, string>>[];
  try {
    records = parse(text, { columns: true, bom: true, skip_empty_lines: true, trim: true });
  } catch (error) {
    throw usageFailure(`${name}: ${(error as Error).message}`, 'export it with a head: \\copy (…) TO … CSV HEADER');
  }
  if (records.length > 0 && !('token' in records[0]!))
    throw usageFailure(`${name} has no column \`token\`.`, 'export the table LiteLLM_VerificationToken with its head');
  return {
    name,
    counts: {},
    rows: {
      LiteLLM_OrganizationTable: [],
      LiteLLM_BudgetTable: [],
      LiteLLM_TeamTable: teamsOf(records),
      LiteLLM_UserTable: [],
      LiteLLM_VerificationToken: records.map((record, i) => rowOf(record, `${name}, record ${i + 1}`)),
    },
  };
}

/** An export of keys alone names teams by id, or beside it by alias. */
function teamsOf(records: readonly Readonly<Record<string, string>>[]): Row[] {
  const teams = new Map<string, Row>();
  for (const { team_id: id, team_alias: alias } of records)
    if (id) teams.set(id, { team_id: id, team_alias: alias || null });
  return [...teams.values()];
}

const LISTS: ReadonlySet<string> = new Set(['models', 'allowed_routes']);
const NUMBERS: ReadonlySet<string> = new Set(['spend', 'max_budget']);
const TIMES: ReadonlySet<string> = new Set(['expires', 'budget_reset_at']);
const JSONS: ReadonlySet<string> = new Set([
  'model_max_budget',
  'budget_limits',
  'aliases',
  'config',
  'permissions',
  'router_settings',
  'metadata',
]);

function rowOf(record: Readonly<Record<string, string>>, place: string): Row {
  const known = TABLES.LiteLLM_VerificationToken.filter((column) => (record[column] ?? '') !== '');
  return Object.fromEntries(known.map((column) => [column, checked(column, valueOf(column, record[column]!), place)]));
}

/** A number or a time that is none would change a budget or an expiry without a word. */
function checked(column: string, value: unknown, place: string): unknown {
  const wrong =
    (typeof value === 'number' && !Number.isFinite(value)) || (value instanceof Date && Number.isNaN(value.getTime()));
  if (!wrong) return value;
  throw usageFailure(
    `${place}: \`${column}\` is no ${typeof value === 'number' ? 'number' : 'time'}.`,
    'mend the export, and import again: nothing was changed',
  );
}

function valueOf(column: string, text: string): unknown {
  if (LISTS.has(column)) return listOf(text);
  if (NUMBERS.has(column)) return Number(text);
  if (TIMES.has(column)) return timeOf(text);
  if (column === 'blocked') return /^(t|true|1)$/i.test(text);
  if (!JSONS.has(column)) return text;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

const isJson = (text: string): boolean => {
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
};

/** `{a,"b c"}` of PostgreSQL, or `["a"]` of JSON. */
function listOf(text: string): string[] {
  if (text.startsWith('[') && isJson(text)) return (JSON.parse(text) as unknown[]).map(String);
  const inner = text.replace(/^\{|\}$/g, '');
  return [...inner.matchAll(/"((?:[^"\\]|\\.)*)"|([^,]+)/g)].map(([, quoted, bare]) =>
    quoted === undefined ? bare!.trim() : quoted.replace(/\\(.)/g, '$1'),
  );
}

/** Without a zone it is UTC, as the database keeps it. */
const timeOf = (text: string): Date =>
  new Date(/(Z|[+-]\d\d(:?\d\d)?)$/.test(text) ? text : `${text.replace(' ', 'T')}Z`);
