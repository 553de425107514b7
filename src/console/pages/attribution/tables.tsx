import { count, money, ratioOf, share } from '#kernel/format.ts';
import type { Part } from '#cli/spend/attribution-view.ts';
import { Given, Panel } from '../../parts/basics.tsx';
import { Table, type Column } from '../../parts/table.tsx';
import { useNavigation } from '../../state/use-place.ts';
import {
  hasEntries,
  NONE,
  partIn,
  partsIn,
  purposeText,
  ruleText,
  type Bucket,
  type Group,
  type Level,
  type Line,
  type ProviderSum,
} from './view.ts';

const OTHERS: Group = { name: null, amountNanoUsd: 0n as never, parts: [] };

/** Tenants, or features of one. */
export function Groups({ level, by }: { readonly level: Level; readonly by: 'tenant' | 'feature' }) {
  const { ask } = useNavigation();
  const { groups, total, amountNanoUsd: whole, leftOutNanoUsd } = level;
  const parts = partsIn(groups);
  const others = total - groups.length;
  const rows = others > 0 ? [...groups, { ...OTHERS, amountNanoUsd: leftOutNanoUsd }] : groups;
  const isOthers = (group: Group): boolean => !groups.includes(group);
  const columns: Column<Group>[] = [
    {
      title: by,
      kind: 'name',
      cell: (group) =>
        isOthers(group) ? (
          <span class="muted">{count(others)} on other pages</span>
        ) : (
          <Given text={group.name} none={by === 'tenant' ? '(nobody)' : '(no feature)'} />
        ),
    },
    ...parts.map((part): Column<Group> => ({
      title: part,
      kind: 'number',
      minor: true,
      cell: (group) => (isOthers(group) ? '' : money(partIn(group, part))),
    })),
    { title: 'cost', kind: 'number', cell: (group) => money(group.amountNanoUsd) },
    { title: 'share', kind: 'number', cell: (group) => share(ratioOf(group.amountNanoUsd, whole)) },
  ];
  return (
    <Panel title={by === 'tenant' ? 'By tenant' : 'By feature'} note="dearest first; a row opens what it is made of">
      <Table
        label={`Cost by ${by}`}
        rows={rows}
        rowKey={(group) => (isOthers(group) ? 'others' : JSON.stringify(group.name))}
        onOpen={(group) => !isOthers(group) && ask({ [by]: group.name ?? NONE, offset: '' })}
        columns={columns}
        footer={[
          'total',
          ...parts.map((part) => (others > 0 ? '' : money(sumOf(groups, part)))),
          money(whole),
          share(1),
        ]}
      />
    </Panel>
  );
}

const sumOf = (groups: readonly Group[], part: Part): bigint =>
  groups.reduce((sum, group) => sum + partIn(group, part), 0n);

/** What one feature of a tenant was charged for. */
export function Lines({ level: { lines, amountNanoUsd: whole } }: { readonly level: Level }) {
  const { ask } = useNavigation();
  const open = ({ purpose, provider, bucket }: Line): void =>
    ask({ purpose, provider: provider ?? NONE, bucket: bucket ?? '', offset: '' });
  return (
    <Panel title="What it was charged for" note="a row opens its entries">
      <Table
        label="Charges"
        rows={lines}
        rowKey={({ purpose, provider, bucket }) => JSON.stringify([purpose, provider, bucket])}
        onOpen={(line) => hasEntries(line) && open(line)}
        columns={[
          { title: 'for', kind: 'name', cell: ({ purpose }) => purposeText(purpose) },
          { title: 'provider', kind: 'name', cell: ({ provider }) => <Given text={provider} none="(none)" /> },
          { title: 'through', kind: 'name', cell: (line) => <Through of={line} /> },
          { title: 'cost', kind: 'number', cell: (line) => money(line.amountNanoUsd) },
          { title: 'share', kind: 'number', cell: (line) => share(ratioOf(line.amountNanoUsd, whole)) },
        ]}
        footer={['total', '', '', money(whole), share(1)]}
      />
    </Panel>
  );
}

function Through({ of: { bucket, rule, amountNanoUsd, ofBucketNanoUsd } }: { readonly of: Line }) {
  if (bucket === null) return <span class="muted">its own calls</span>;
  return (
    <>
      <Given text={bucket} />, {ruleText(rule)}
      <div class="muted">
        {share(ratioOf(amountNanoUsd, ofBucketNanoUsd ?? 0n))} of {money(ofBucketNanoUsd)}
      </div>
    </>
  );
}

/** What belongs to all, by which rule it is divided. */
export function Buckets({ level: { buckets } }: { readonly level: Level }) {
  const { ask } = useNavigation();
  const open = ({ bucket, purpose, provider }: Bucket): void =>
    ask({ bucket, purpose, provider: provider ?? NONE, offset: '' });
  return (
    <Panel title="Shared" note="what belongs to all: who it is divided among, and how">
      <Table
        label="Shared buckets"
        rows={buckets}
        rowKey={({ bucket, purpose, provider }) => JSON.stringify([bucket, purpose, provider])}
        onOpen={(bucket) => hasEntries(bucket) && open(bucket)}
        columns={[
          { title: 'bucket', kind: 'name', cell: ({ bucket }) => <Given text={bucket} /> },
          { title: 'for', kind: 'name', minor: true, cell: ({ purpose }) => purposeText(purpose) },
          {
            title: 'provider',
            kind: 'name',
            minor: true,
            cell: ({ provider }) => <Given text={provider} none="(none)" />,
          },
          { title: 'divided', kind: 'tight', cell: ({ rule }) => ruleText(rule) },
          {
            title: 'among',
            kind: 'number',
            cell: ({ tenants }) =>
              tenants === 0 ? <span class="warn">nobody: nobody called</span> : `${count(tenants)} tenants`,
          },
          { title: 'cost', kind: 'number', cell: ({ amountNanoUsd }) => money(amountNanoUsd) },
        ]}
      />
    </Panel>
  );
}

const STATED = {
  title: 'its own word',
  kind: 'number',
  minor: true,
  cell: ({ statedNanoUsd, ownOfStatedNanoUsd }: ProviderSum) => (
    <>
      {money(statedNanoUsd)}
      <div class="muted">for {money(ownOfStatedNanoUsd)} by the list</div>
    </>
  ),
} as const;

export function Prices({ level: { prices } }: { readonly level: Level }) {
  return (
    <Panel title="By version of the prices" note="what calls cost by each, before contracts">
      <Table
        label="Versions of prices"
        rows={prices}
        rowKey={({ provider, version }) => `${provider} ${version}`}
        columns={[
          { title: 'provider', kind: 'name', cell: ({ provider }) => <Given text={provider} none="(none)" /> },
          { title: 'version', kind: 'name', cell: ({ version }) => <Given text={version} none="not known" /> },
          { title: 'requests', kind: 'number', minor: true, cell: ({ attempts }) => count(attempts) },
          { title: 'calls', kind: 'number', cell: ({ callsNanoUsd }) => money(callsNanoUsd) },
        ]}
      />
    </Panel>
  );
}

export function Providers({ level: { providers, billedNanoUsd } }: { readonly level: Level }) {
  const hasStated = providers.some(({ statedNanoUsd }) => statedNanoUsd !== 0n);
  return (
    <Panel title="By provider" note="what each is expected to bill">
      <Table
        label="Providers"
        rows={providers}
        rowKey={({ provider }) => String(provider)}
        columns={[
          { title: 'provider', kind: 'name', cell: ({ provider }) => <Given text={provider} none="(none)" /> },
          { title: 'requests', kind: 'number', minor: true, cell: ({ attempts }) => count(attempts) },
          { title: 'calls', kind: 'number', cell: ({ callsNanoUsd }) => money(callsNanoUsd) },
          { title: 'contracts', kind: 'number', minor: true, cell: ({ fixedNanoUsd }) => money(fixedNanoUsd) },
          {
            title: 'adjustments',
            kind: 'number',
            minor: true,
            cell: ({ adjustmentsNanoUsd }) => money(adjustmentsNanoUsd),
          },
          { title: 'billed', kind: 'number', cell: (one) => money(one.billedNanoUsd) },
          ...(hasStated ? [STATED] : []),
        ]}
        footer={['total', '', '', '', '', money(billedNanoUsd), ...(hasStated ? [''] : [])]}
      />
    </Panel>
  );
}
