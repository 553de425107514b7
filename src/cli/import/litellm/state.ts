/** Rows of LiteLLM's tables as tenants, teams, keys and budgets of ours. Pure. */
import { parseUsd, usdDecimal } from '#kernel/money.ts';
import {
  MOST_NAME_CHARS,
  type Findings,
  type WantedBudget,
  type WantedKey,
  type WantedState,
  type WantedTeam,
  type WantedTenant,
} from '../plan.ts';
import { wantedBudget, type BudgetReading } from './budget.ts';
import { keyMaterial, listKeyLeftovers, UI_TEAM } from './keys.ts';
import { allowedModels, NONE } from './model-lists.ts';
import { FreeNames, titleOf } from './names.ts';
import { listLimits, listOf, nameOfKey, placeOfKey, textOf } from './rows.ts';
import { COUNTED, type LitellmData, type Row } from './tables.ts';

export interface StateOptions extends BudgetReading {
  /** Tenant of what belongs to no organization. */
  readonly tenant: string;
  /** Models by access group, as the file has them. */
  readonly accessGroups: ReadonlyMap<string, readonly string[]>;
}

interface Places {
  readonly tenantOf: (organization: unknown) => string;
  readonly teams: ReadonlyMap<string, { readonly team: WantedTeam; readonly row: Row }>;
  readonly budgets: ReadonlyMap<string, Row>;
}

export function readLitellmState(data: LitellmData, options: StateOptions): WantedState {
  const { rows } = data;
  const byId = (table: readonly Row[], id: string): Map<string, Row> =>
    new Map(table.map((row) => [String(row[id]), row]));
  const { tenants, tenantOf } = tenantsOf(rows.LiteLLM_OrganizationTable, options.tenant);
  const teams = teamsOf(rows.LiteLLM_TeamTable, tenantOf);
  const places: Places = { tenantOf, teams, budgets: byId(rows.LiteLLM_BudgetTable, 'budget_id') };
  const people = byId(rows.LiteLLM_UserTable, 'user_id');
  const keys = keysOf(rows.LiteLLM_VerificationToken, { ...places, people }, options);
  const budgets = [
    ...rows.LiteLLM_OrganizationTable.flatMap((row) => organizationBudget(row, places, options) ?? []),
    ...[...teams.values()].flatMap(({ team, row }) => teamBudget(team, row, options) ?? []),
    ...keys.flatMap(({ key, row }) => keyBudget(key, row, places, options) ?? []),
  ];
  listCounted(data, options.findings);
  listPeople(rows.LiteLLM_UserTable, options.findings);
  listUncounted(keys, budgets, data.name, options.findings);
  const used = new Set([...keys.map(({ key }) => key.tenant), ...[...teams.values()].map(({ team }) => team.tenant)]);
  return {
    tenants: tenants.filter(({ id }) => used.has(id) || budgets.some(({ tenant }) => tenant === id)),
    teams: [...teams.values()].map(({ team }) => team),
    keys: keys.map(({ key }) => key),
    budgets,
  };
}

/** An organization is a tenant; what belongs to none goes to the one that was named. */
function tenantsOf(organizations: readonly Row[], standard: string) {
  const names = new FreeNames();
  const first: WantedTenant = { id: names.slug(standard), name: standard };
  const ids = new Map<string, WantedTenant>();
  for (const row of organizations) {
    const name = textOf(row['organization_alias']) ?? String(row['organization_id']);
    ids.set(String(row['organization_id']), { id: names.slug(name), name: titleOf(name) });
  }
  return {
    tenants: [first, ...ids.values()],
    tenantOf: (organization: unknown): string => ids.get(String(organization))?.id ?? first.id,
  };
}

function teamsOf(rows: readonly Row[], tenantOf: Places['tenantOf']): Map<string, { team: WantedTeam; row: Row }> {
  const free = new Map<string, FreeNames>();
  const out = new Map<string, { team: WantedTeam; row: Row }>();
  for (const row of rows) {
    const id = String(row['team_id']);
    if (id === UI_TEAM) continue;
    const name = textOf(row['team_alias']) ?? id;
    const tenant = tenantOf(row['organization_id']);
    const names = free.get(tenant) ?? new FreeNames();
    free.set(tenant, names);
    const slug = names.slug(name);
    out.set(id, { team: { id: `${tenant}.${slug}`, tenant, slug, name: titleOf(name) }, row });
  }
  return out;
}

interface PlacedKey {
  readonly key: WantedKey;
  readonly row: Row;
}

function keysOf(
  rows: readonly Row[],
  places: Places & { readonly people: ReadonlyMap<string, Row> },
  options: StateOptions,
): PlacedKey[] {
  const free = new FreeNames();
  const out: PlacedKey[] = [];
  for (const row of rows) {
    const material = keyMaterial(row, options);
    if (!material) continue;
    const owner = places.teams.get(String(row['team_id']));
    const allowed = allowedModels(listOf(row['models']), listOf(owner?.row['models']), options.accessGroups);
    const models = boundedModels(allowed, placeOfKey(row), options.findings);
    if (models !== null && (models.length === 0 || models.includes(NONE))) {
      options.findings.add('left', placeOfKey(row), 'models', ['it may call no model']);
      continue;
    }
    listKeyLeftovers(row, options.findings);
    if (row['team_id'] && !owner)
      options.findings.add('changed', placeOfKey(row), `team_id: ${String(row['team_id'])}`, [
        'there is no such team any more: the key belongs to its tenant alone',
      ]);
    const person = textOf(row['user_id']);
    const key: WantedKey = {
      tenant: owner?.team.tenant ?? places.tenantOf(row['organization_id']),
      team: owner?.team.id ?? null,
      name: free.take(titleOf(nameOfKey(row))),
      owner:
        (textOf(places.people.get(person ?? '')?.['user_email']) ?? person)?.trim().slice(0, MOST_OWNER_CHARS) ?? null,
      expiresAt: row['expires'] instanceof Date ? row['expires'].toISOString() : null,
      models,
      material,
    };
    out.push({ key, row });
  }
  return out;
}

/** Bounds of the admin API. */
const MOST_MODELS = 256;
const MOST_OWNER_CHARS = 256;

function boundedModels(models: readonly string[] | null, place: string, findings: Findings): readonly string[] | null {
  const fitting =
    models?.filter((name) => name.length > 0 && name.length <= MOST_NAME_CHARS).slice(0, MOST_MODELS) ?? null;
  if (models !== null && fitting !== null && fitting.length < models.length)
    findings.add('left', place, `${models.length - fitting.length} of its ${models.length} models`, [
      `a key lists at most ${MOST_MODELS} models, of at most ${MOST_NAME_CHARS} characters`,
      'a name with a trailing * stands for many',
    ]);
  return fitting;
}

function organizationBudget(row: Row, { tenantOf, budgets }: Places, options: StateOptions): WantedBudget | null {
  const shared = budgets.get(String(row['budget_id']));
  const place = `LiteLLM_OrganizationTable “${String(row['organization_alias'] ?? row['organization_id'])}”`;
  listLimits(shared ?? {}, place, options.findings);
  const tenant = tenantOf(row['organization_id']);
  return wantedBudget(shared ?? {}, row['spend'], { level: 'tenant', tenant, subject: null, place }, options);
}

function teamBudget(team: WantedTeam, row: Row, options: StateOptions): WantedBudget | null {
  const place = `LiteLLM_TeamTable “${team.name}”`;
  listLimits(row, place, options.findings);
  if (row['blocked'] === true)
    options.findings.add('changed', place, 'blocked', ['its keys are not carried over, the team itself is']);
  if (row['model_id'] !== null && row['model_id'] !== undefined)
    options.findings.add('left', place, 'model aliases of the team', ['a model has one name for all callers']);
  return wantedBudget(row, row['spend'], { level: 'team', tenant: team.tenant, subject: team.id, place }, options);
}

function keyBudget(key: WantedKey, row: Row, { budgets }: Places, options: StateOptions): WantedBudget | null {
  const shared = budgets.get(String(row['budget_id']));
  // The key's own limit wins over the shared row's; a key with a shared one has its schedule from there.
  const limits = row['max_budget'] === null || row['max_budget'] === undefined ? (shared ?? row) : row;
  const subject = { level: 'key' as const, tenant: key.tenant, subject: key.name, place: placeOfKey(row) };
  return wantedBudget(limits, row['spend'], subject, options);
}

function listCounted({ counts, name }: LitellmData, findings: Findings): void {
  for (const [table, { why }] of Object.entries(COUNTED)) {
    const count = counts[table as keyof typeof COUNTED] ?? 0;
    if (count > 0) findings.add('left', `${name}, ${table}`, `${count} ${count === 1 ? 'row' : 'rows'}`, why);
  }
}

function listPeople(rows: readonly Row[], findings: Findings): void {
  const limited = rows.filter(({ max_budget: limit }) => limit !== null && limit !== undefined);
  if (limited.length > 0)
    findings.add('left', 'LiteLLM_UserTable', `budgets of ${limited.length} people`, [
      'people have no accounts here; a key, a team and an end user have budgets',
      'headgate budgets create --level key --id …',
    ]);
}

/** Money that no budget continues: it stays in LiteLLM's own reports. */
function listUncounted(
  keys: readonly PlacedKey[],
  budgets: readonly WantedBudget[],
  name: string,
  findings: Findings,
): void {
  const counted = new Set(budgets.filter(({ level }) => level === 'key').map(({ subject }) => subject));
  const loose = keys.filter(({ key, row }) => !counted.has(key.name) && Number(row['spend']) > 0);
  const sum = loose.reduce((all, { row }) => all + (parseUsd(String(row['spend'])) ?? 0n), 0n);
  if (sum > 0n)
    findings.add('note', name, `$${usdDecimal(sum as never)} spent by ${loose.length} keys without a budget`, [
      'no budget continues it; headgate spend begins with the first call through this gate',
    ]);
}
