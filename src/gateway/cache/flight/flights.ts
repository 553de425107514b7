import type { CallId, TenantId } from '#kernel/brand.ts';
import type { AnswerKey } from '#ports/answer-cache.ts';
import { Flight } from './flight.ts';

export interface FlightBounds {
  /** Bytes of answers in the making, of all tenants and of one. */
  readonly totalBytes: number;
  readonly tenantBytes: number;
}

/** Answers in the making that somebody may wait for. Beyond it a call asks for itself alone. */
const MOST_FLIGHTS = 10_000;
const MOST_FLIGHTS_OF_TENANT = 2_000;

interface OfTenant {
  flights: number;
  bytes: number;
}

/**
 * Answers that are being made, by the names of kept ones: a tenant is a part of each, and no other finds them. None is
 * larger than its feature's bound of an answer, and all of them keep no more bytes than kept answers may.
 */
export class Flights {
  readonly #bounds: () => FlightBounds;
  readonly #flights = new Map<string, Flight>();
  readonly #tenants = new Map<TenantId, OfTenant>();
  #bytes = 0;

  constructor(bounds: () => FlightBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#flights.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  /** Calls that wait. Walks all flights: for somebody who looks now and then. */
  get followers(): number {
    let sum = 0;
    for (const { followers } of this.#flights.values()) sum += followers;
    return sum;
  }

  /** One that can be joined; null: there is none. */
  find(key: AnswerKey): Flight | null {
    const flight = this.#flights.get(key.name);
    return flight?.joinable ? flight : null;
  }

  /** A new one that this call leads; null: there is one of the name, or no room for another. */
  lead(key: AnswerKey, leader: CallId, maxBytes: number): Flight | null {
    const name = key.name;
    const own = this.#of(key.tenant);
    if (this.#flights.has(name) || this.#flights.size >= MOST_FLIGHTS || own.flights >= MOST_FLIGHTS_OF_TENANT)
      return null;
    const flight = new Flight(leader, {
      maxBytes,
      grew: (bytes) => this.#grew(key.tenant, own, bytes),
      closed: () => this.#closed(name, key.tenant, own),
    });
    this.#flights.set(name, flight);
    this.#tenants.set(key.tenant, own);
    own.flights += 1;
    return flight;
  }

  #of(tenant: TenantId): OfTenant {
    return this.#tenants.get(tenant) ?? { flights: 0, bytes: 0 };
  }

  #grew(tenant: TenantId, own: OfTenant, bytes: number): boolean {
    own.bytes += bytes;
    this.#bytes += bytes;
    if (bytes < 0) this.#forget(tenant, own);
    const { totalBytes, tenantBytes } = this.#bounds();
    return own.bytes <= tenantBytes && this.#bytes <= totalBytes;
  }

  #closed(name: string, tenant: TenantId, own: OfTenant): void {
    this.#flights.delete(name);
    own.flights -= 1;
    this.#forget(tenant, own);
  }

  #forget(tenant: TenantId, own: OfTenant): void {
    if (own.flights === 0 && own.bytes === 0 && this.#tenants.get(tenant) === own) this.#tenants.delete(tenant);
  }
}
