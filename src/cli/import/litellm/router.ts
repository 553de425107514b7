/** `router_settings` and `litellm_settings`: aliases, fallbacks, retries. */
import type { Findings, WantedDeployment } from '../plan.ts';
import type { Taken } from '../taken.ts';
import { deploymentsFor, withFallbacks, type Group } from './groups.ts';
import { LITELLM_REASONS, ROUTER_REASONS } from './reasons.ts';

export interface RouterSettings {
  readonly groups: ReadonlyMap<string, Group>;
  readonly attempts: number | null;
  /** `drop_params`: what a target cannot express is left out. */
  readonly drop: boolean;
}

interface Alias {
  readonly of: string;
  readonly deployments: readonly WantedDeployment[];
}

const NOT_HERE = 'no model of that name was carried over';
/** Bound of `retry.attempts`. */
const MOST_ATTEMPTS = 10;

export function readRouter(file: Taken, groups: ReadonlyMap<string, Group>, findings: Findings): RouterSettings {
  const router = file.section('router_settings');
  const settings = file.section('litellm_settings');
  readStrategy(router, findings);
  const aliases = aliasesOf(router, groups, findings);
  const known = new Map([
    ...groups,
    ...[...aliases].map(([name, { deployments }]) => [name, { name, deployments }] as const),
  ]);
  const pairs = [...fallbacksOf(router, findings), ...fallbacksOf(settings, findings)];
  const standard = [...namesOf(router, 'default_fallbacks'), ...namesOf(settings, 'default_fallbacks')];
  const linked = linkFallbacks({ groups: known, aliases, pairs, standard, findings });
  const retries = router.number('num_retries') ?? settings.number('num_retries');
  const drop = settings.take('drop_params') === true;
  readTimeouts([router, settings], findings);
  router.rest(findings, ROUTER_REASONS);
  settings.rest(findings, LITELLM_REASONS);
  return { groups: linked, attempts: attemptsOf(retries, longestChain(linked)), drop };
}

/** One figure bounds retries and fallbacks together: each deployment of a chain gets its turn. */
function attemptsOf(retries: number | undefined, longest: number): number | null {
  if (retries === undefined && longest <= 1) return null;
  return Math.min(MOST_ATTEMPTS, Math.max(1, Math.round(retries ?? 0) + 1, longest));
}

function readStrategy(router: Taken, findings: Findings): void {
  const strategy = router.text('routing_strategy') ?? 'simple-shuffle';
  if (strategy === 'simple-shuffle') return;
  findings.add('left', router.place('routing_strategy'), `${router.what('routing_strategy')}: ${strategy}`, [
    'deployments are drawn by weight',
    'set `weight` of the deployments in headgate.yaml',
  ]);
  router.take('routing_strategy_args');
}

function readTimeouts(sections: readonly Taken[], findings: Findings): void {
  for (const section of sections)
    for (const name of ['timeout', 'request_timeout', 'stream_timeout'])
      if (section.take(name) !== undefined)
        findings.add('left', section.place(name), section.what(name), [
          'timers belong to a provider here, and are longer than the SDKs’ own 600 s',
          'set `timers` of the providers that need others',
        ]);
}

/** Deployments by alias. An alias has the fallbacks of its model unless it has its own. */
function aliasesOf(router: Taken, groups: ReadonlyMap<string, Group>, findings: Findings): Map<string, Alias> {
  const out = new Map<string, Alias>();
  const aliases = (router.take('model_group_alias') as Record<string, unknown> | undefined) ?? {};
  for (const [name, value] of Object.entries(aliases)) {
    const { model, hidden } = (typeof value === 'object' ? value : { model: value }) as Record<string, unknown>;
    const place = router.place('model_group_alias');
    const deployments = typeof model === 'string' ? deploymentsFor(model, groups) : null;
    const named = name.length > 0 && name.length <= 128;
    if (deployments && named) out.set(name, { of: String(model), deployments });
    else findings.add('left', place, `alias ${name} → ${String(model)}`, [NOT_HERE]);
    if (deployments && hidden === true)
      findings.add('changed', place, `alias ${name}`, ['it was hidden, and `GET /v1/models` lists it here']);
  }
  return out;
}

interface Fallback {
  readonly from: string;
  readonly to: readonly string[];
  readonly place: string;
}

/** `[{ "gpt-4o": ["claude", …] }]` */
function fallbacksOf(section: Taken, findings: Findings): Fallback[] {
  const out: Fallback[] = [];
  for (const pair of section.list('fallbacks')) {
    for (const [from, to] of Object.entries((pair as object | null) ?? {})) {
      const names = Array.isArray(to) ? to.filter((name): name is string => typeof name === 'string') : [];
      out.push({ from, to: names, place: section.place('fallbacks') });
      if (Array.isArray(to) && names.length < to.length)
        findings.add('left', section.place('fallbacks'), `fallback of ${from} with parameters of its own`, [
          'a fallback is a model here, with the fields of the call',
        ]);
    }
  }
  return out;
}

const namesOf = (section: Taken, name: string): string[] =>
  section.list(name).filter((one): one is string => typeof one === 'string');

interface Linking {
  readonly groups: ReadonlyMap<string, Group>;
  readonly aliases: ReadonlyMap<string, Alias>;
  readonly pairs: readonly Fallback[];
  /** `default_fallbacks`: of every model without its own. */
  readonly standard: readonly string[];
  readonly findings: Findings;
}

function linkFallbacks({ groups, aliases, pairs, standard, findings }: Linking): Map<string, Group> {
  const own = new Map<string, Fallback>();
  for (const pair of pairs) {
    if (groups.has(pair.from)) own.set(pair.from, pair);
    else findings.add('left', pair.place, `fallback of ${pair.from}`, [NOT_HERE]);
  }
  const fallbackOf = (name: string): Fallback =>
    own.get(name) ??
    own.get(aliases.get(name)?.of ?? '') ?? {
      ...{ from: name, to: standard.filter((one) => one !== name), place: 'default_fallbacks' },
    };
  const missing = new Set<string>();
  const chainOf = ({ from, to, place }: Fallback): readonly (readonly WantedDeployment[])[] =>
    to.flatMap((name) => {
      const found = deploymentsFor(name, groups);
      const what = `fallback ${from} → ${name}`;
      if (!found && !missing.has(what)) findings.add('left', place, what, [NOT_HERE]);
      if (!found) missing.add(what);
      return found ? [found] : [];
    });
  return new Map([...groups].map(([name, group]) => [name, withFallbacks(group, chainOf(fallbackOf(name)), findings)]));
}

/** Deployments of the longest group that falls back: each of them may get its turn. */
const longestChain = (groups: ReadonlyMap<string, Group>): number =>
  Math.max(1, ...[...groups.values()].map(({ deployments }) => (hasFallback(deployments) ? deployments.length : 1)));

const hasFallback = (deployments: readonly WantedDeployment[]): boolean =>
  deployments.some(({ order = 0 }) => order > 0);
