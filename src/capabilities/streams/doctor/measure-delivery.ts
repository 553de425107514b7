import { compressionOf, type Compression } from './core/compression.ts';
import { deliveryOf, type Delivery } from './core/delivery.ts';
import type { StreamSample } from './core/sample.ts';
import type { DoctorPlan } from './plan.ts';
import { repeated, type Probe } from './repeat.ts';
import type { Query } from './way.ts';

export interface DeliveryAsk<S extends StreamSample> {
  readonly plan: DoctorPlan;
  readonly probe: Probe<S>;
  readonly roundTripMs: number | null;
  readonly query?: Query;
}

/** No noise of a machine looks so. */
const CERTAIN: ReadonlySet<Delivery['kind']> = new Set([
  'streams',
  'whole',
  'offset',
  'mixed',
  'nothing',
  'cut',
  'stalls',
]);
const MOST_ROUNDS = 3;

/** Repeats until the verdict is one that a busy machine cannot feign, and gives all samples that it took. */
export async function measureDelivery<S extends StreamSample>({
  plan,
  probe,
  roundTripMs,
  query = {},
}: DeliveryAsk<S>): Promise<{ readonly delivery: Delivery; readonly samples: readonly S[] }> {
  const samples: S[] = [];
  for (let round = 1; ; round++) {
    samples.push(...(await repeated(plan, probe, { times: plan.repeats, query })));
    const delivery = deliveryOf(samples.map(asAnswered), { expected: plan.events, roundTripMs });
    const isOpen = samples.some(({ status }) => status === 200 || status === 101);
    if (CERTAIN.has(delivery.kind) || !isOpen || round === MOST_ROUNDS) return { delivery, samples };
  }
}

/** An opened socket has delivered as an answer of 200 has. */
const asAnswered = (sample: StreamSample): StreamSample =>
  sample.status === 101 ? { ...sample, status: 200 } : sample;

const SPOKEN = 'gzip, br';

/** Streams of a client that takes compressed ones, with and without what an origin may say against it. */
export async function measureCompression(plan: DoctorPlan, probe: Probe<StreamSample>): Promise<Compression> {
  const ask = (query: Query): Promise<StreamSample[]> =>
    repeated(plan, probe, { times: 2, query, acceptEncoding: SPOKEN });
  const [plain, noTransform, identity] = await Promise.all([
    ask({}),
    ask({ 'no-transform': true }),
    ask({ identity: true }),
  ]);
  return compressionOf({ plain, noTransform, identity, expected: plan.events });
}
