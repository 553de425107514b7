import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';
import { call, inRulesWorld, keyOf } from '../clients-rules/rules-world.ts';
import { EVENTS, json, stream } from '../clients-rules/scripted-upstream.ts';
import { readExposition } from '../operate/exposition.ts';

const root = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const CHAT = '/v1/chat/completions';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly runbook_url: string };
}
const { groups } = parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

interface Panel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}
const dashboard = JSON.parse(read('deploy/grafana/headgate.json')) as {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly definition?: string }[] };
};

/** Grafana puts these in before Prometheus sees the query. */
const filled = (query: string): string =>
  query.replaceAll('$__rate_interval', '5m').replaceAll(/\$(provider|model|job)\b/g, '.*');
const queries = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ where: title, expr: filled(expr) })),
  ),
];

interface Named {
  readonly metric: string;
  readonly labels: readonly string[];
}

/** Metrics of a query and the labels that it matches them by, read by Prometheus' own grammar. Throws where that finds a fault. */
function metricsOf(query: string): Named[] {
  const found: { metric: string; labels: string[] }[] = [];
  const text = (node: { from: number; to: number }): string => query.slice(node.from, node.to);
  parser.parse(query).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`a fault at ${node.from} of: ${query}`);
      if (node.name === 'VectorSelector') found.push({ metric: '', labels: [] });
      const last = found.at(-1);
      if (node.name === 'Identifier' && last?.metric === '') last.metric = text(node);
      if (node.name === 'LabelName' && node.node.parent?.name.endsWith('Matcher')) last?.labels.push(text(node));
    },
  });
  return found;
}

describe('dashboard and rules', () => {
  const world = inRulesWorld({ more: 'feeds: { away: { kind: webhook, url: "http://127.0.0.1:1/" } }' });
  const SCRAPE_OWN = new Set(['up']);

  test('the judge of queries is strict, and sees metrics and labels', () => {
    assert.deepEqual(metricsOf('sum by (a) (rate(m_total{b="c",d=~"e"}[5m])) / n > 1'), [
      { metric: 'm_total', labels: ['b', 'd'] },
      { metric: 'n', labels: [] },
    ]);
    for (const wrong of ['sum(rate(m_total[5m])', 'm{a=b}', 'rate(m[5 m])', 'm > > 1'])
      assert.throws(() => metricsOf(wrong), wrong);
  });

  test('every query is read by Prometheus’ own grammar, and names metrics and labels that a gate with traffic has', async () => {
    const { start, text, finish, usage, end } = EVENTS[CHAT];
    const key = await keyOf(world, 'seen', {});
    await world.gate.admin('POST', '/budgets', { level: 'tenant', tenant: 'seen', limitUsd: '100' });
    world.first.answer(stream([start, text, 20, text, finish, usage, end]));
    await call(world, CHAT, { model: 'm', stream: true }, { key });
    world.first.answer(json('{"error":{"message":"no"}}', 503));
    await call(world, CHAT, { model: 'm' }, { key });
    await call(world, CHAT, { model: 'm' }, { key: 'hg_nobody_0123456789' });
    const scrape = async () => {
      const response = await fetch(`${world.gate.url}/metrics`, {
        headers: { authorization: `Bearer ${world.gate.adminToken}` },
      });
      return readExposition(await response.text());
    };
    await world.gate.until('the feed', async () =>
      (await scrape()).some(({ name, samples }) => name === 'headgate_feed_events_total' && samples.length > 0),
    );
    await world.gate.until('the budget', async () =>
      (await scrape()).some(({ name, samples }) => name === 'headgate_budget_used_ratio' && samples.length > 0),
    );
    const families = await scrape();
    const known = new Map(
      families.flatMap(({ name, type, samples }) => {
        const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)));
        const parts = type === 'histogram' ? ['_bucket', '_sum', '_count'] : [''];
        return parts.map((part) => [name + part, labels] as const);
      }),
    );
    const wrong = queries.flatMap(({ where, expr }) =>
      metricsOf(expr).flatMap(({ metric, labels }) => {
        if (SCRAPE_OWN.has(metric)) return [];
        const own = known.get(metric);
        if (!own) return [`${where}: no metric ${metric}`];
        // `job` and `instance` are the scrape's.
        return labels
          .filter((label) => label !== 'job' && !own.has(label))
          .map((label) => `${where}: ${metric} has no ${label}`);
      }),
    );
    assert.deepEqual(wrong, []);
    const named = new Set(
      queries.flatMap(({ expr }) => metricsOf(expr).map(({ metric }) => metric.replace(/_(bucket|sum|count)$/, ''))),
    );
    const unseen = families.filter(({ name }) => /^headgate_/.test(name) && !named.has(name));
    assert.deepEqual(
      unseen.map(({ name }) => name),
      ['headgate_exact_counts_total', 'headgate_exact_count_kept_bytes', 'headgate_alert_failed_looks_total'],
      'what neither page nor rule shows',
    );
  });

  test('every alert has a severity, a summary and a runbook that is there', () => {
    const page = read('docs/operate/runbooks.md');
    const anchors = [...page.matchAll(/^## (.+)$/gm)].map(([, title]) => title!.toLowerCase());
    const names = rules.map(({ alert }) => alert);
    assert.equal(new Set(names).size, names.length);
    for (const { alert, labels, annotations } of rules) {
      assert.ok(['info', 'warning', 'critical'].includes(labels.severity), alert);
      assert.ok(annotations.summary.length > 10, alert);
      const [path, anchor] = annotations.runbook_url.split('#');
      assert.ok(existsSync(join(root, path!)), alert);
      assert.equal(anchor, alert.toLowerCase());
      assert.ok(anchors.includes(anchor!), `${alert} has no part in ${path}`);
    }
    assert.deepEqual(
      anchors,
      names.map((name) => name.toLowerCase()),
      'a part for each alert, in their order',
    );
    for (const part of page.split(/^## /m).slice(1))
      for (const word of ['**Means**', '**Hurt**', '**Next**']) assert.ok(part.includes(word), part.slice(0, 40));
  });

  test('commands of the runbooks exist, with the flags that they name', async () => {
    const { root: commands } = await import('#cli/app.ts');
    const { commandPage, commandsOf } = await import('#cli/help.ts');
    // `headgate spend` is a command and a group: the longest name is the one that is meant.
    const known = commandsOf({ name: 'headgate', target: commands }).sort((a, b) => b.name.length - a.name.length);
    const used = [...read('docs/operate/runbooks.md').matchAll(/`(headgate [^`]+)`/g)].map(([, line]) => line!);
    assert.ok(used.length > 15);
    const wrong = used.flatMap((line) => {
      const command = known.find(({ name }) => line === name || line.startsWith(`${name} `));
      if (!command) return [line];
      const { flags } = commandPage(command);
      return [...line.matchAll(/--[a-z-]+/g)]
        .filter(([flag]) => !JSON.stringify(flags).includes(flag.slice(2)))
        .map(([flag]) => `${line}: ${flag}`);
    });
    assert.deepEqual(wrong, []);
  });

  test('the page of Grafana: panels do not overlap, and each says what it shows', () => {
    const ids = dashboard.panels.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    const taken = new Set<string>();
    for (const { title, type, description, gridPos } of dashboard.panels) {
      if (type !== 'row') assert.ok(description && description.length > 8, title);
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          assert.ok(!taken.has(`${x},${y}`), `${title} lies on another panel`);
          taken.add(`${x},${y}`);
        }
    }
  });
});
