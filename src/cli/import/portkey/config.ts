/** A config of Portkey as one model group: its tree of targets as orders and weights. */
import type { Findings, WantedConfig, WantedDeployment } from '../plan.ts';
import { ProviderBook } from '../provider-book.ts';
import { readSourceFile, type SourceFile } from '../source-file.ts';
import { Taken } from '../taken.ts';
import { RETRY_REASONS, STRATEGY_REASONS, TARGET_REASONS } from './reasons.ts';
import { readTarget } from './target.ts';

/** Bound of `retry.attempts`. */
const MOST_ATTEMPTS = 10;
/** Trees of targets are shallow; a deeper one is generated. */
const DEEPEST = 8;

interface Placed extends WantedDeployment {
  readonly order: number;
  readonly weight: number;
}

/** Reads one config into the model `name`. */
export function readPortkeyConfig(source: SourceFile, name: string, findings: Findings): WantedConfig {
  const file = new Taken(source, [], source.value);
  const book = new ProviderBook();
  const walk = new Walk(book, findings, name);
  const { placed } = walk.node(file, { order: 0, weight: 1, depth: 0 });
  const deployments = tidy(placed);
  const attempts = deployments.length > 1 || walk.retries > 0 ? Math.max(walk.retries + 1, deployments.length) : null;
  return {
    providers: book.entries(),
    models: deployments.length > 0 ? { [name]: deployments } : {},
    prices: [],
    attempts: attempts && Math.min(MOST_ATTEMPTS, attempts),
  };
}

interface At {
  readonly order: number;
  readonly weight: number;
  readonly depth: number;
}
interface Walked {
  readonly placed: readonly Placed[];
  /** First order behind everything that was placed. */
  readonly next: number;
}

class Walk {
  retries = 0;
  readonly #book: ProviderBook;
  readonly #findings: Findings;
  readonly #name: string;

  constructor(book: ProviderBook, findings: Findings, name: string) {
    this.#book = book;
    this.#findings = findings;
    this.#name = name;
  }

  node(node: Taken, at: At): Walked {
    const retry = node.section('retry');
    this.retries = Math.max(this.retries, Math.round(retry.number('attempts') ?? 0));
    retry.rest(this.#findings, RETRY_REASONS);
    const targets = node.sections('targets');
    node.take('weight');
    node.take('name');
    if (targets.length === 0 || at.depth >= DEEPEST) return this.#leaf(node, at);
    const strategy = node.section('strategy');
    const mode = strategy.text('mode') ?? 'single';
    const walked = mode === 'loadbalance' ? this.#balanced(targets, at) : this.#inOrder(node, targets, mode, at);
    strategy.take('mode');
    strategy.rest(this.#findings, STRATEGY_REASONS);
    node.rest(this.#findings, TARGET_REASONS);
    return walked;
  }

  #leaf(node: Taken, { order, weight }: At): Walked {
    const read = readTarget(node, this.#book, this.#findings);
    if (!read) return { placed: [], next: order };
    const { provider, model } = read;
    if (model === null && !this.#name.endsWith('*'))
      this.#findings.add('changed', node.place(), `target ${provider} without override_params.model`, [
        `callers named the model; here ${provider} is asked for \`${this.#name}\``,
        'import with --model ‘gpt-*’ or the like, or write the model into headgate.yaml',
      ]);
    return { placed: [{ provider, ...(model !== null && { model }), order, weight }], next: order + 1 };
  }

  #balanced(targets: readonly Taken[], { order, weight, depth }: At): Walked {
    const weights = targets.map((target) => Math.max(0, target.number('weight') ?? 1));
    const all = weights.reduce((sum, one) => sum + one, 0) || 1;
    const walked = targets.map((target, i) =>
      this.node(target, { order, weight: (weight * weights[i]!) / all, depth: depth + 1 }),
    );
    if (walked.some(({ next }) => next > order + 1))
      this.#findings.add('changed', targets[0]!.place(), 'a fallback inside a load balance', [
        'a deployment has one order: behind the balanced targets all their fallbacks follow, whichever failed',
      ]);
    return { placed: walked.flatMap(({ placed }) => placed), next: Math.max(order, ...walked.map(({ next }) => next)) };
  }

  #inOrder(node: Taken, targets: readonly Taken[], mode: string, { order, weight, depth }: At): Walked {
    if (mode !== 'fallback' && mode !== 'single')
      this.#findings.add('left', node.place('strategy'), `strategy.mode: ${mode}`, [
        'nothing is routed by conditions; the targets are tried in their order',
        'give each of them a model name of its own',
      ]);
    if (mode === 'single' && targets.length > 1)
      this.#findings.add('note', node.place('targets'), 'targets behind the first', [
        'the mode `single` never used them',
      ]);
    const used = mode === 'single' ? targets.slice(0, 1) : targets;
    const placed: Placed[] = [];
    let next = order;
    for (const target of used) {
      const walked = this.node(target, { order: next, weight, depth: depth + 1 });
      placed.push(...walked.placed);
      next = walked.next;
    }
    return { placed, next };
  }
}

/** Orders from 0, weights in whole numbers where they differ. A target that nobody draws stands behind its order. */
function tidy(placed: readonly Placed[]): WantedDeployment[] {
  const ranks = [...new Set(placed.map(({ order }) => order))].sort((a, b) => a - b);
  return ranks.flatMap((order, rank) => {
    const group = placed.filter((one) => one.order === order);
    const equal = group.every(({ weight }) => weight === group[0]!.weight);
    return group.map(({ weight, order: _, ...rest }) => {
      const behind = rank + (weight === 0 ? 1 : 0);
      return {
        ...rest,
        ...(!equal && weight > 0 && { weight: Number((weight * 100).toPrecision(6)) }),
        ...(behind > 0 && { order: behind }),
      };
    });
  });
}

/** A config as it is written, or as Portkey's API returns it: `{ data: { config, name, slug } }`. */
export function unwrapped(text: string, name: string): { readonly source: SourceFile; readonly slug: string | null } {
  const source = readSourceFile(text, name);
  const around = 'data' in source.value ? ['data'] : [];
  const outer = (source.value['data'] ?? source.value) as { config?: unknown; name?: unknown; slug?: unknown };
  if (outer.config === undefined) return { source: snake(source), slug: null };
  const inner: SourceFile =
    typeof outer.config === 'string'
      ? readSourceFile(outer.config, `${name} (config)`)
      : {
          ...source,
          value: outer.config as SourceFile['value'],
          place: (path) => source.place([...around, 'config', ...path]),
        };
  const slug = [outer.slug, outer.name].find((one): one is string => typeof one === 'string' && one !== '');
  return { source: snake(inner), slug: slug ?? null };
}

/** Portkey takes `virtualKey` for `virtual_key`; places are found by the name that is written. */
function snake(source: SourceFile): SourceFile {
  return { ...source, value: snakeKeys(source.value) as SourceFile['value'] };
}
function snakeKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snakeKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, part]) => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snakeKeys(part),
    ]),
  );
}
