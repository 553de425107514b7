import { Findings, type WantedConfig, type WantedPrice } from '../plan.ts';
import { ProviderBook } from '../provider-book.ts';
import type { SourceFile } from '../source-file.ts';
import { Taken } from '../taken.ts';
import { readDeployment, type ReadDeployment } from './deployments.ts';
import { groupsOf } from './groups.ts';
import { FILE_REASONS, GENERAL_REASONS } from './reasons.ts';
import type { Env } from './reference.ts';
import { readRouter } from './router.ts';

export interface LitellmConfig extends WantedConfig {
  /** Models by access group: what the lists of keys may name. */
  readonly accessGroups: ReadonlyMap<string, readonly string[]>;
  /** Zone in which budgets reset; null: the file names none. */
  readonly timeZone: string | null;
}

/** Reads a LiteLLM `config.yaml` into sections of headgate.yaml; lists everything that does not fit. */
export function readLitellmConfig(source: SourceFile, env: Env, findings: Findings): LitellmConfig {
  for (const { key, place } of source.duplicates)
    findings.add('note', place, `\`${key}\` stands twice`, ['the later one counts, as it did in LiteLLM']);
  const file = new Taken(source, [], source.value);
  const [book, prices] = [new ProviderBook(), [] as WantedPrice[]];
  const credentials = credentialsOf(source, file);
  const read = file
    .list('model_list')
    .flatMap(
      (entry, i) =>
        readDeployment(new Taken(source, ['model_list', i], entry), { env, findings, book, prices, credentials }) ?? [],
    );
  const { groups, attempts, drop } = readRouter(file, groupsOf(read, findings), findings);
  file.section('general_settings').rest(findings, GENERAL_REASONS);
  const anchors = [...source.anchored].filter((name) => !Object.hasOwn(FILE_REASONS, name));
  file.rest(findings, { ...FILE_REASONS, ...Object.fromEntries(anchors.map((name) => [name, ANCHORS])) });
  const models = [...groups.values()].map(({ name, deployments }) => [
    name,
    drop ? deployments.map((one) => ({ ...one, onUnsupported: 'drop' as const })) : deployments,
  ]);
  return {
    ...{ providers: book.entries(), models: Object.fromEntries(models), prices, attempts },
    accessGroups: accessGroupsOf(read),
    timeZone: timeZoneOf(source),
  };
}

const ANCHORS = ['note', 'it holds anchors, of which other parts of the file are made'] as const;

function accessGroupsOf(read: readonly ReadDeployment[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const { group, accessGroups } of read)
    for (const name of accessGroups) out.set(name, [...new Set([...(out.get(name) ?? []), group])]);
  return out;
}

function timeZoneOf({ value }: SourceFile): string | null {
  const zone = (value['litellm_settings'] as { timezone?: unknown } | null | undefined)?.timezone;
  return typeof zone === 'string' && zone !== '' ? zone : null;
}

function credentialsOf(source: SourceFile, file: Taken): Map<string, Taken> {
  return new Map(
    file.list('credential_list').map((entry, i) => {
      const { credential_name: name } = (entry ?? {}) as { credential_name?: unknown };
      const path = ['credential_list', i, 'credential_values'];
      return [String(name), new Taken(source, path, (entry as { credential_values?: unknown }).credential_values)];
    }),
  );
}
