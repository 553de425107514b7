import { AWAY, Connection, type NodeAddress, type ValkeyAddress } from './connection.ts';
import type { Script } from './script.ts';
import { SLOTS, slotOf } from './slot.ts';

/** While a node is away it is asked again who has its slots. */
const ASK_AGAIN_MS = 500;

/** `MOVED 3999 host:port`, for good, or `ASK …`, while the slot moves. */
const REDIRECT = /^(MOVED|ASK) \d+ (.*):(\d+)$/;

/** As a node's own address is written: without a path. */
function bare(url: string): string {
  const { protocol, hostname, port } = new URL(url);
  return `${protocol}//${hostname}:${port || DEFAULT_PORT}`;
}
const DEFAULT_PORT = '6379';

/**
 * Scripts at the nodes of a cluster, each where the slot of its first key is. As {@link Connection}: answers come
 * within a bound, {@link AWAY} for whatever else, and those of one slot in order. A node that dies takes its own slots
 * alone with it, until it or its successor is there.
 */
export class ClusterConnection {
  readonly #address: ValkeyAddress;
  readonly #scripts: Readonly<Record<string, Script>>;
  readonly #changed: (up: boolean, why: string | null) => void;
  readonly #nodes = new Map<string, Connection>();
  readonly #seeds: ReadonlySet<string>;
  /** Addresses of nodes by slot; empty: nobody has said so yet. */
  #owners: readonly string[] = [];
  /** Every slot has a node that answers. */
  #whole = false;
  #asking = false;
  #again: NodeJS.Timeout | null = null;
  #closed = false;

  constructor(
    address: ValkeyAddress,
    changed: (up: boolean, why: string | null) => void,
    scripts: Readonly<Record<string, Script>>,
  ) {
    this.#address = address;
    this.#scripts = scripts;
    this.#changed = changed;
    this.#seeds = new Set([address.url, ...(address.nodes ?? [])].map(bare));
    for (const url of this.#seeds) this.#node(url);
  }

  /** Every node of it answers. */
  get up(): boolean {
    return this.#whole;
  }

  /** The node with this key answers. */
  upFor(key: string): boolean {
    return this.#ownerOf(key)?.up ?? false;
  }

  async run(script: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown> {
    const command = ['EVALSHA', script.sha, String(keys.length), ...keys, ...args];
    const said = (await this.#ownerOf(keys[0]!)?.ask(command)) ?? AWAY;
    if (!(said instanceof Error)) return said;
    const [, kind, host, port] = REDIRECT.exec(said.message) ?? [];
    if (kind === undefined) return AWAY;
    const node = this.#node(this.#urlOf(host!, port!));
    if (kind === 'MOVED') void this.#discover();
    else void node.ask(['ASKING']);
    const there = await node.ask(command);
    return there instanceof Error ? AWAY : there;
  }

  async close(): Promise<void> {
    this.#closed = true;
    if (this.#again) clearTimeout(this.#again);
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
  }

  #ownerOf(key: string): Connection | undefined {
    const url = this.#owners[slotOf(key)];
    return url === undefined ? undefined : this.#nodes.get(url);
  }

  #urlOf(host: string, port: string): string {
    return `${new URL(this.#address.url).protocol}//${host.includes(':') ? `[${host}]` : host}:${port}`;
  }

  #node(url: string): Connection {
    const known = this.#nodes.get(url);
    if (known) return known;
    const address: NodeAddress = { ...this.#address, url, ofCluster: true };
    const changed = (up: boolean, why: string | null): void => {
      if (up) void this.#discover();
      this.#tell(`${url}: ${why ?? 'it came'}`);
    };
    const node = new Connection(address, changed, this.#scripts);
    this.#nodes.set(url, node);
    return node;
  }

  /** Who has which slots, as any node says that answers. */
  async #discover(): Promise<void> {
    if (this.#asking || this.#closed) return;
    this.#asking = true;
    for (const [url, node] of this.#nodes) {
      if (!node.up) continue;
      const said = await node.ask(['CLUSTER', 'SLOTS']);
      if (!Array.isArray(said) || this.#closed) continue;
      this.#take(said as unknown[][], new URL(url).hostname);
      break;
    }
    this.#asking = false;
    this.#tell('slots of it have no node');
  }

  #take(ranges: readonly unknown[][], asked: string): void {
    const owners: string[] = [];
    for (const [from, to, main] of ranges) {
      const [host, port] = (main as unknown[]).map((part) => (part === null ? '' : String(part)));
      const url = this.#urlOf(host === '' || host === '?' ? asked : host!, port!);
      for (let slot = Number(from); slot <= Number(to); slot++) owners[slot] = url;
    }
    this.#owners = owners;
    const wanted = new Set([...this.#seeds, ...new Set(owners)]);
    for (const url of new Set(owners)) if (url !== undefined) this.#node(url);
    for (const [url, node] of this.#nodes) if (!wanted.has(url)) this.#drop(url, node);
  }

  #drop(url: string, node: Connection): void {
    this.#nodes.delete(url);
    void node.close();
  }

  #tell(why: string): void {
    const owners = new Set(this.#owners);
    const whole =
      this.#owners.length === SLOTS && [...owners].every((url) => url !== undefined && this.#nodes.get(url)?.up);
    if (!whole) this.#askAgain();
    if (whole === this.#whole || this.#closed) return;
    this.#whole = whole;
    this.#changed(whole, whole ? null : why);
  }

  #askAgain(): void {
    if (this.#again || this.#closed) return;
    this.#again = setTimeout(() => {
      this.#again = null;
      void this.#discover();
    }, ASK_AGAIN_MS).unref();
  }
}
