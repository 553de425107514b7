import type { FeatureName, TeamId, TenantId } from '#kernel/brand.ts';
import type { Reference } from '#kernel/config/primitives.ts';
import { layerScopeFault } from '../layers/core/scope.ts';
import { settingsOf } from '../layers/settings.ts';
import type { Declared, DeclaredBudget, DeclaredKey, DeclaredLayer, DeclaredLimit } from '../core/declared.ts';
import {
  featureFault,
  keyFaults,
  modeFault,
  scopeFault,
  unitFault,
  unknownName,
  windowOf,
  windowOfUnit,
} from '../core/faults.ts';
import type { DeclaredNames, Fault } from '../core/faults.ts';
import { importedMaterial, type KeyMaterial } from '../core/keys.ts';
import type { DeclaredFile } from './schema.ts';

type Path = readonly (string | number)[];

/** A fault of the file at its full path. */
export interface DeclaredFault {
  readonly path: Path;
  readonly message: string;
  readonly hint: string | null;
}

export interface ResolveOptions extends DeclaredNames {
  /** Reads what a reference names; throws a RangeError that does not repeat the secret. */
  readonly readSecret: (reference: Reference) => string;
}

export interface Resolved {
  readonly declared: Declared;
  readonly faults: readonly DeclaredFault[];
}

/** What the file declares, joined and with its secrets hashed, and everything that is wrong with it. */
export function resolveDeclared(file: DeclaredFile, options: ResolveOptions): Resolved {
  const known: Known = { file, options, faults: [], teams: new Set(teamIds(file)) };
  const secrets = secretsOf(known);
  const keys = Object.entries(file.keys).flatMap(([name, key]) => declaredKey(name, key, secrets, known) ?? []);
  const budgets = Object.entries(file.budgets).flatMap(([name, budget]) => declaredBudget(name, budget, known) ?? []);
  const layers = Object.entries(file.layers).flatMap(([name, layer]) => declaredLayer(name, layer, known) ?? []);
  const limits = Object.entries(file.usageLimits).flatMap(([name, limit]) => declaredLimit(name, limit, known) ?? []);
  checkOneEach(layers, known);
  checkLimits(limits, known);
  return { declared: { ...tenantsOf(file), keys, budgets, limits, layers }, faults: known.faults };
}

interface Known {
  readonly file: DeclaredFile;
  readonly options: ResolveOptions;
  readonly teams: ReadonlySet<string>;
  readonly faults: DeclaredFault[];
}

const pathText = (path: Path): string => path.join('.');
const teamId = (tenant: string, name: string): TeamId => `${tenant}.${name}` as TeamId;
const teamIds = ({ tenants }: DeclaredFile): string[] =>
  Object.entries(tenants).flatMap(([id, { teams }]) => Object.keys(teams).map((name) => teamId(id, name)));

function tenantsOf({ tenants }: DeclaredFile): Pick<Declared, 'tenants' | 'teams'> {
  return {
    tenants: Object.entries(tenants).map(([id, { name, costExpose, plan, disabled }]) => ({
      path: pathText(['tenants', id]),
      id: id as TenantId,
      name: name ?? id,
      costExpose,
      plan,
      disabled,
    })),
    teams: Object.entries(tenants).flatMap(([tenant, { teams }]) =>
      Object.entries(teams).map(([slug, { name, disabled }]) => ({
        path: pathText(['tenants', tenant, 'teams', slug]),
        id: teamId(tenant, slug),
        tenant: tenant as TenantId,
        name: name ?? slug,
        disabled,
      })),
    ),
  };
}

/** Notes faults below an entry of the file; true where there was one. */
function noted({ faults }: Known, base: Path, found: readonly (Fault | null)[]): boolean {
  const real = found.filter((fault) => fault !== null);
  for (const { field, message, hint } of real)
    faults.push({ path: [...base, ...field.split('.')], message: `${pathText(base)}: ${message}`, hint });
  return real.length > 0;
}

function tenantFault(wrong: string, { file }: Known): Fault | null {
  if (Object.hasOwn(file.tenants, wrong)) return null;
  const known = Object.keys(file.tenants);
  return unknownName('tenant', `there is no tenant \`${wrong}\` under \`tenants\` of this file`, { wrong, known });
}

/** `core` or `acme.core`: the API says the second. */
const fullTeam = (tenant: string, team: string): TeamId => (team.includes('.') ? team : teamId(tenant, team)) as TeamId;

function teamFault(tenant: string, team: string, { teams }: Known, field = 'team'): Fault | null {
  const wrong = fullTeam(tenant, team);
  if (teams.has(wrong) && wrong.startsWith(`${tenant}.`)) return null;
  const known = [...teams].filter((id) => id.startsWith(`${tenant}.`));
  return unknownName(field, `the tenant \`${tenant}\` has no team \`${team}\` in this file`, { wrong, known });
}

function declaredKey(
  name: string,
  key: DeclaredFile['keys'][string],
  secrets: ReadonlyMap<string, KeyMaterial>,
  known: Known,
): DeclaredKey | null {
  const base = ['keys', name];
  const material = secrets.get(name);
  const { sha256, raw, overlap, ...settings } = key;
  const missing = tenantFault(key.tenant, known);
  const wrong = noted(known, base, [
    missing,
    missing === null && key.team !== null ? teamFault(key.tenant, key.team, known) : null,
    ...keyFaults({ ...key, defaultFeature: key.defaultFeature as FeatureName | null }, known.options),
  ]);
  if (wrong || material === undefined) return null;
  return {
    ...settings,
    path: pathText(base),
    tenant: key.tenant as TenantId,
    team: key.team === null ? null : fullTeam(key.tenant, key.team),
    name: key.name ?? name,
    defaultFeature: key.defaultFeature as FeatureName | null,
    overlapMs: overlap,
    ...material,
  };
}

/** Hash and hint, or null with the fault noted. No message repeats what stands in the file. */
function materialOf({ sha256, raw }: DeclaredFile['keys'][string], base: Path, known: Known): KeyMaterial | null {
  const wrong = (field: string, message: string): null => {
    noted(known, base, [{ field, message, hint: null }]);
    return null;
  };
  if ((raw === undefined) === (sha256 === undefined)) return wrong('sha256', 'give either `sha256` or `raw`');
  try {
    const material = importedMaterial(sha256 !== undefined ? { sha256 } : { raw: known.options.readSecret(raw!) });
    if (material.ok) return material.value;
    return wrong(material.error.details.field!, material.error.message.replace(/\.$/, ''));
  } catch (error) {
    if (error instanceof RangeError) return wrong('raw', error.message);
    throw error;
  }
}

/** Hash and hint of each key by its name; two keys with one secret are a fault, whatever else is wrong with them. */
function secretsOf(known: Known): ReadonlyMap<string, KeyMaterial> {
  const found = new Map<string, KeyMaterial>();
  const first = new Map<string, string>();
  for (const [name, key] of Object.entries(known.file.keys)) {
    const material = materialOf(key, ['keys', name], known);
    if (material === null) continue;
    const other = first.get(material.hash);
    const message = `keys.${other} has the same secret`;
    if (other !== undefined) noted(known, ['keys', name], [{ field: 'sha256', message, hint: null }]);
    first.set(material.hash, name);
    found.set(name, material);
  }
  return found;
}

function declaredBudget(name: string, budget: DeclaredFile['budgets'][string], known: Known): DeclaredBudget | null {
  const base = ['budgets', name];
  const { level, tenant, id, limitUsd, window, timeZone, unknownPriceUsd, ...settings } = budget;
  if (noted(known, base, [modeFault(budget), scopeFault(budget) ?? subjectFault(budget, known)])) return null;
  return {
    path: pathText(base),
    name,
    level,
    tenant: (tenant ?? null) as TenantId | null,
    subject: subjectOf(budget),
    settings: {
      ...settings,
      limitNanoUsd: limitUsd,
      window: windowOf(window, timeZone),
      unknownPriceNanoUsd: unknownPriceUsd,
    },
  };
}

function declaredLimit(name: string, limit: DeclaredFile['usageLimits'][string], known: Known): DeclaredLimit | null {
  const base = ['usageLimits', name];
  const { level, tenant, unit, window } = limit;
  const wrong = [unitFault(unit, window), scopeFault(limit, 'limit') ?? subjectFault(limit, known)];
  if (noted(known, base, wrong)) return null;
  return {
    path: pathText(base),
    name,
    level,
    tenant: (tenant ?? null) as TenantId | null,
    subject: subjectOf(limit),
    settings: { unit, window: windowOfUnit(unit, window), limit: limit.limit, contact: limit.contact },
  };
}

/** Whose money or use a declaration limits. */
type Subject = Pick<DeclaredFile['budgets'][string], 'level' | 'tenant' | 'id'>;

function subjectFault({ level, tenant, id }: Subject, known: Known): Fault | null {
  if (level === 'operator') return null;
  const missing = tenantFault(tenant!, known);
  if (missing !== null || id === undefined) return missing;
  if (level === 'team') return teamFault(tenant!, id, known, 'id');
  if (level === 'feature') return featureFault(id, 'id', known.options.features);
  return level === 'key' ? keyFault(tenant!, id, known) : null;
}

function keyFault(tenant: string, wrong: string, { file }: Known): Fault | null {
  const known = Object.keys(file.keys).filter((name) => file.keys[name]!.tenant === tenant);
  if (known.includes(wrong)) return null;
  return unknownName('id', `the tenant \`${tenant}\` has no key \`${wrong}\` under \`keys\` of this file`, {
    wrong,
    known,
  });
}

/** A key is named by its path, since its id is known once it is in the state. */
function subjectOf({ level, tenant, id }: Subject): string | null {
  if (id === undefined) return null;
  if (level === 'team') return fullTeam(tenant!, id);
  return level === 'key' ? `keys.${id}` : id;
}

function declaredLayer(name: string, layer: DeclaredFile['layers'][string], known: Known): DeclaredLayer | null {
  const base = ['layers', name];
  const { level, tenant, id, ownKeys, ...settings } = layer;
  if (noted(known, base, [layerScopeFault(layer) ?? layerSubjectFault(layer, known)])) return null;
  const owner = (tenant ?? null) as TenantId | null;
  const team = level === 'team' ? fullTeam(tenant!, id!) : null;
  return {
    path: pathText(base),
    scope: { level, tenant: owner },
    subject: team ?? (level === 'key' ? `keys.${id}` : (id ?? null)),
    settings: settingsOf(settings, Object.keys(ownKeys)),
  };
}

function layerSubjectFault({ level, tenant, id }: DeclaredFile['layers'][string], known: Known): Fault | null {
  const missing = tenant === undefined ? null : tenantFault(tenant, known);
  if (missing !== null || id === undefined) return missing;
  if (level === 'team') return teamFault(tenant!, id, known, 'id');
  if (level === 'feature') return featureFault(id, 'id', known.options.features);
  return level === 'key' ? keyFault(tenant!, id, known) : null;
}

/** Two layers of one scope: nobody could say which holds. */
function checkOneEach(layers: readonly DeclaredLayer[], known: Known): void {
  const nameOf = ({ scope, subject }: DeclaredLayer) => [scope.level, scope.tenant, subject];
  noteDoubles(layers, { nameOf, text: (other) => `${other} is a layer of the same scope` }, known);
}

/** Two limits of one scope, unit and window: the larger would never hold, and nobody would see why. */
function checkLimits(limits: readonly DeclaredLimit[], known: Known): void {
  const nameOf = ({ level, tenant, subject, settings: { unit, window } }: DeclaredLimit) => [
    level,
    tenant,
    subject,
    unit,
    window,
  ];
  noteDoubles(limits, { nameOf, text: (other) => `${other} limits the same already` }, known);
}

interface Doubles<T> {
  readonly nameOf: (one: T) => readonly unknown[];
  readonly text: (other: string) => string;
}

function noteDoubles<T extends { readonly path: string }>(
  all: readonly T[],
  { nameOf, text }: Doubles<T>,
  known: Known,
): void {
  const first = new Map<string, string>();
  for (const one of all) {
    const name = JSON.stringify(nameOf(one));
    const other = first.get(name);
    if (other !== undefined) noted(known, one.path.split('.'), [{ field: 'level', message: text(other), hint: null }]);
    first.set(name, one.path);
  }
}
