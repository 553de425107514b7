import { createClient, ErrorReply, RESP_TYPES } from '@redis/client';
import type { Script } from './script.ts';

export interface ValkeyAddress {
  /** `redis://host:port` or `rediss://…`, without a password in it. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** It is a node of a cluster, all of which are to be used; absent or false: it is a server alone. */
  readonly cluster?: boolean | undefined;
  /** Further nodes of the cluster, asked where the first does not answer. */
  readonly nodes?: readonly string[] | undefined;
}

/** One of several nodes, whose others somebody else sees to. */
export interface NodeAddress extends ValkeyAddress {
  readonly ofCluster?: boolean;
}

/** Nothing came back, for longer than the bound. */
export const AWAY = Symbol('away');

/** How often it is looked whether anything came back while something is waited for. */
const LOOK_MS = 100;
/** Looks without an answer until nobody waits any more. Counted in turns of this loop: whoever was paused himself does not take his pause for the server's. */
const SLOW_LOOKS = 10;
/** And until the connection is made anew: a host that vanished closes none. */
const DEAD_LOOKS = 50;
const RECONNECT_MS = 500;
/** Commands that wait for the socket; a further one is `away`. */
const MOST_COMMANDS = 100_000;

type Client = ReturnType<typeof make>;

const make = ({ url, username, password }: ValkeyAddress, reconnect: number | false = RECONNECT_MS) =>
  createClient({
    url,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    disableOfflineQueue: true,
    commandsQueueMaxLength: MOST_COMMANDS,
    socket: { connectTimeout: 2_000, reconnectStrategy: reconnect },
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  });

const OF_CLUSTER = 'it is a node of a cluster, and is taken for a server alone';

/** Who may not ask is taken for being at a server alone. */
async function isOfCluster(client: Client): Promise<boolean> {
  const said = await client.sendCommand(['INFO', 'cluster']).catch((error: unknown) => {
    if (error instanceof ErrorReply) return '';
    throw error;
  });
  return String(said).includes('cluster_enabled:1');
}

/** Is there a node of a cluster at an address? Null: nobody answers there within `waitMs`, in milliseconds. */
export async function clusterAt(address: ValkeyAddress, waitMs: number): Promise<boolean | null> {
  const client = make(address, false);
  client.on('error', () => undefined);
  const asked = client.connect().then(() => isOfCluster(client));
  const late = new Promise<null>((resolve) => setTimeout(() => resolve(null), waitMs));
  const said = await Promise.race([asked.catch(() => null), late]);
  client.destroy();
  return said;
}

/** Scripts on one connection, in order; answers come within a bound, and after a fault the connection comes back. */
export class Connection {
  readonly #address: NodeAddress;
  readonly #scripts: Readonly<Record<string, Script>>;
  readonly #changed: (up: boolean, why: string | null) => void;
  #client: Client;
  readonly #waiting = new Set<(value: unknown) => void>();
  #looks = 0;
  #unanswered = 0;
  #look: NodeJS.Timeout | null = null;
  #up = false;
  /** It is told once that it is away, until it has come. */
  #told = false;
  #closed = false;

  /** `changed` is told when it comes and goes. */
  constructor(
    address: NodeAddress,
    changed: (up: boolean, why: string | null) => void,
    scripts: Readonly<Record<string, Script>>,
  ) {
    this.#scripts = scripts;
    this.#address = address;
    this.#changed = changed;
    this.#client = this.#connect();
  }

  get up(): boolean {
    return this.#up;
  }

  upFor(_key: string): boolean {
    return this.#up;
  }

  /** What the script returned, texts as buffers; {@link AWAY} for whatever else. */
  async run({ sha }: Script, keys: readonly string[], args: readonly (string | Buffer)[]): Promise<unknown> {
    const said = await this.ask(['EVALSHA', sha, String(keys.length), ...keys, ...args]);
    return said instanceof Error ? AWAY : said;
  }

  /** What the server says to a command; an error where it refuses, {@link AWAY} where it does not answer. */
  ask(command: (string | Buffer)[]): Promise<unknown> {
    if (!this.#up) return Promise.resolve(AWAY);
    return new Promise((resolve) => {
      const waiter = (value: unknown): void => {
        if (this.#waiting.delete(waiter)) resolve(value);
      };
      this.#waiting.add(waiter);
      this.#watch();
      this.#send(command).then(waiter, (error: unknown) => waiter(error instanceof ErrorReply ? error : AWAY));
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#giveUp(null);
    if (this.#look) clearInterval(this.#look);
    this.#client.destroy();
  }

  #connect(): Client {
    const client = make(this.#address);
    // Told by `reconnecting` and `ready`: an error without a listener would end the process.
    client.on('error', (error: Error) => client === this.#client && this.#giveUp(error.message));
    client.on('ready', () => void this.#ready(client));
    client.connect().catch(() => undefined);
    return client;
  }

  async #ready(client: Client): Promise<void> {
    try {
      if (!this.#address.ofCluster && (await isOfCluster(client))) return this.#giveUp(OF_CLUSTER);
      await Promise.all(Object.values(this.#scripts).map(({ text }) => client.scriptLoad(text)));
      if (client === this.#client && !this.#closed) this.#comeUp();
    } catch {
      // The connection broke again: another `ready` will come.
    }
  }

  async #send(command: (string | Buffer)[]): Promise<unknown> {
    const client = this.#client;
    this.#unanswered++;
    try {
      const reply = await client.sendCommand(command);
      if (client === this.#client) this.#answered();
      return reply;
    } finally {
      if (client === this.#client) this.#unanswered--;
    }
  }

  #answered(): void {
    this.#looks = 0;
    // What was slow has come after all.
    if (!this.#up && this.#client.isReady && !this.#closed) this.#comeUp();
  }

  #comeUp(): void {
    if (this.#up) return;
    this.#up = true;
    this.#told = false;
    this.#looks = 0;
    this.#changed(true, null);
  }

  #watch(): void {
    this.#look ??= setInterval(() => this.#lookAt(), LOOK_MS).unref();
  }

  #lookAt(): void {
    if (this.#unanswered <= 0) return this.#stopLooking();
    this.#looks++;
    if (this.#looks >= SLOW_LOOKS) this.#giveUp('no answer within a second');
    if (this.#looks >= DEAD_LOOKS) this.#startAnew();
  }

  #startAnew(): void {
    this.#client.destroy();
    this.#unanswered = 0;
    this.#stopLooking();
    this.#client = this.#connect();
  }

  #stopLooking(): void {
    if (this.#look) clearInterval(this.#look);
    this.#look = null;
    this.#looks = 0;
  }

  #giveUp(why: string | null): void {
    this.#up = false;
    for (const waiter of [...this.#waiting]) waiter(AWAY);
    if (this.#told || why === null) return;
    this.#told = true;
    this.#changed(false, why);
  }
}

interface Channel {
  readonly take: (message: string) => void;
  readonly heard: () => void;
}

/** Messages of channels, on a connection of their own that subscribes again after a fault. */
export class Subscriptions {
  /** Any node of a cluster tells what is said at every other. */
  readonly #addresses: readonly ValkeyAddress[];
  #client: Client;
  #at = 0;
  #closed = false;
  readonly #channels = new Map<string, Channel>();

  constructor(address: ValkeyAddress) {
    this.#addresses = [address.url, ...(address.nodes ?? [])].map((url) => ({ ...address, url }));
    this.#client = this.#connect();
  }

  /** `heard` is called whenever messages come from then on: what there was before was missed. */
  subscribe(channel: string, take: (message: string) => void, heard: () => void = () => undefined): () => void {
    const own = { take, heard };
    this.#channels.set(channel, own);
    if (this.#client.isReady) void this.#subscribe(channel, own);
    return () => {
      if (this.#channels.get(channel) !== own) return;
      this.#channels.delete(channel);
      if (this.#client.isReady) this.#client.unsubscribe(channel, this.#take).catch(() => undefined);
    };
  }

  close(): void {
    this.#closed = true;
    this.#client.destroy();
  }

  #connect(): Client {
    const others = this.#addresses.length > 1;
    const client = make(this.#addresses[this.#at % this.#addresses.length]!, others ? false : undefined);
    client.on('error', () => others && this.#next(client));
    client.on('ready', () => void this.#again());
    client.connect().catch(() => undefined);
    return client;
  }

  #next(failed: Client): void {
    if (failed !== this.#client || this.#closed) return;
    this.#at++;
    if (failed.isOpen) failed.destroy();
    setTimeout(() => {
      if (failed === this.#client && !this.#closed) this.#client = this.#connect();
    }, RECONNECT_MS).unref();
  }

  readonly #take = (message: string, channel: string): void => this.#channels.get(channel)?.take(message);

  async #again(): Promise<void> {
    for (const [channel, own] of this.#channels) await this.#subscribe(channel, own);
  }

  async #subscribe(channel: string, own: Channel): Promise<void> {
    try {
      await this.#client.subscribe(channel, this.#take);
    } catch {
      // The connection broke: another `ready` will come.
      return;
    }
    if (this.#channels.get(channel) === own) own.heard();
  }
}
