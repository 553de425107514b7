import type { TenantId } from '#kernel/brand.ts';
import { keyPart } from '#kernel/whose.ts';
import { AWAY } from './connection.ts';
import type { Scripts } from './open-connection.ts';
import { SCRIPTS } from './scripts.ts';

/** Where streams that go on stand, by when their lease is over, for whoever sweeps. */
export interface OpenStreams {
  /** The set of a tenant's streams; in a cluster it is in one slot with them. */
  keyOf(tenant: TenantId): string;
  /** A stream of this tenant goes on. */
  noted(tenant: TenantId): void;
  /** At most so many whose lease has been over for so long. None is looked at again within a lease. */
  due(graceMs: number, most: number): Promise<readonly Buffer[] | 'away'>;
}

export interface OpenStreamsParts {
  readonly connection: Pick<Scripts, 'run'>;
  readonly leaseMs: () => number;
  /** How long facts of a stream stay that nobody renews, in milliseconds. */
  readonly lifeMs: () => number;
}

const OPEN = 'headgate:streams:open';
const TENANTS = 'headgate:{streams}:tenants';
/** Tenants whose streams were noted of late; past it all are noted again. */
const MOST_NOTED = 10_000;

const dueIn = async (connection: OpenStreamsParts['connection'], key: string, args: readonly string[]) => {
  const said = await connection.run(SCRIPTS.due, [key], args);
  return Array.isArray(said) ? (said as Buffer[]) : 'away';
};

/** At one server: one set for all tenants. */
export const openAtOne = ({ connection, leaseMs }: OpenStreamsParts): OpenStreams => ({
  keyOf: () => OPEN,
  noted: () => undefined,
  due: (graceMs, most) => dueIn(connection, OPEN, [graceMs, most, leaseMs()].map(String)),
});

/** In a cluster: a set for each tenant, and the tenants that have one. */
export class OpenInCluster implements OpenStreams {
  readonly #parts: OpenStreamsParts;
  /** Until when each is noted, by this process's clock. */
  readonly #noted = new Map<TenantId, number>();

  constructor(parts: OpenStreamsParts) {
    this.#parts = parts;
  }

  keyOf(tenant: TenantId): string {
    return `headgate:{${keyPart(tenant)}}:streams:open`;
  }

  noted(tenant: TenantId): void {
    const { connection, leaseMs, lifeMs } = this.#parts;
    const now = performance.now();
    if ((this.#noted.get(tenant) ?? 0) > now) return;
    if (this.#noted.size >= MOST_NOTED) this.#noted.clear();
    this.#noted.set(tenant, now + leaseMs());
    // For as long as a stream stays that is renewed until it is noted again.
    void connection.run(SCRIPTS.note, [TENANTS], [tenant, String(leaseMs() + lifeMs())]).then((said) => {
      if (said === AWAY) this.#noted.delete(tenant);
    });
  }

  /** Away where any node is: what could not be renewed there is not over. */
  async due(graceMs: number, most: number): Promise<readonly Buffer[] | 'away'> {
    const { connection, leaseMs } = this.#parts;
    const tenants = await connection.run(SCRIPTS.noted, [TENANTS], []);
    if (!Array.isArray(tenants)) return 'away';
    const found: Buffer[] = [];
    for (const tenant of tenants.map(String) as TenantId[]) {
      const args = [graceMs, most - found.length, leaseMs()].map(String);
      const said = await dueIn(connection, this.keyOf(tenant), args);
      if (said === 'away') return 'away';
      found.push(...said);
    }
    return found;
  }
}
