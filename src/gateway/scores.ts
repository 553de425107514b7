import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import type { CallId } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { basisOf, type Caller } from '#capabilities/tenants/index.ts';
import type { FeatureQuality } from '#capabilities/tenants/config.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { Score } from '#ports/scores.ts';
import { readBody } from './body.ts';
import type { Gate } from './gate.ts';
import { callerOf } from './streams/own-stream.ts';
import { wrongMethod } from './streams/stream-answers.ts';

const LIMITS = { bodyBytes: 256 * 1024, bodyTimeout: 10_000 };
const MOST_AT_ONCE = 100;

const one = z.strictObject({
  call: z.string().regex(/^call_[0-9A-Z]{26}$/, 'is the id of a call: `call_…`'),
  name: z.string().regex(/^[a-z][a-z0-9_.-]{0,63}$/, 'a small letter, then small letters, digits and _ . -'),
  value: z.number().min(0).max(1),
  comment: z.string().max(1_000).optional(),
});
const many = z.strictObject({ scores: z.array(one).min(1).max(MOST_AT_ONCE) });

/** `POST /v1/headgate/scores`: how good answers were, from 0 to 1, by any key of the tenant that has the calls. */
export async function serveScores(gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method !== 'POST') throw wrongMethod(response, 'POST');
  const caller = callerOf(gate, request.headers);
  const asked = read(await readBody(request, LIMITS));
  const scores: Score[] = [];
  for (const [i, { call, name, value, comment }] of asked.entries()) {
    const entry = await entryOf(gate, caller, call as CallId, i);
    const { tenant, feature } = entry;
    const { quality } = (feature !== null && gate.config.file.features[feature]) || {};
    refuseOwn(quality, name, i);
    const basis = basisOf(entry, quality?.basis);
    const rest = { at: gate.clock.now(), source: 'api', basis, comment: comment ?? null } as const;
    scores.push({ tenant, call: call as CallId, name, value, feature, ...rest });
  }
  const kept = await gate.quality.put(scores).catch((error: unknown) => {
    throw new HeadgateError('store_unavailable', {}, error);
  });
  const answer = Buffer.from(
    JSON.stringify({ scores: asked.map(({ call, name }, i) => ({ call, name, kept: kept[i] })) }),
  );
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length }).end(answer);
}

/** The first score of a call under a name stays: nobody takes the name of a rule or a judge before it has spoken. */
function refuseOwn(quality: FeatureQuality | undefined, name: string, i: number): void {
  const rules: readonly string[] = quality?.rules ?? [];
  if (!rules.includes(name) && !Object.hasOwn(quality?.judges ?? {}, name)) return;
  const message = `\`${name}\` is what a rule or a judge of this feature scores by itself: use another name.`;
  throw new HeadgateError('invalid_request', { field: i === 0 ? 'name' : `scores.${i}.name`, message });
}

/** Of the caller's own tenant; another tenant's is like one that never was. */
async function entryOf(gate: Gate, { tenant }: Caller, id: CallId, i: number): Promise<LedgerEntry> {
  const entry = await gate.stored.ledger.call(id, tenant.id).catch((error: unknown) => {
    throw new HeadgateError('store_unavailable', {}, error);
  });
  if (entry !== null) return entry;
  const message = 'There is no such call. Its entry is there about a second after its answer.';
  throw new HeadgateError('not_found', { field: i === 0 ? 'call' : `scores.${i}.call`, message });
}

function read(bytes: Buffer): readonly z.infer<typeof one>[] {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new HeadgateError('invalid_json');
  }
  const several = json !== null && typeof json === 'object' && 'scores' in json;
  const parsed = several ? many.safeParse(json) : one.safeParse(json);
  if (parsed.success) return 'scores' in parsed.data ? parsed.data.scores : [parsed.data];
  const [issue] = parsed.error.issues;
  const field = issue!.path.join('.');
  throw new HeadgateError('invalid_request', {
    ...(field !== '' && { field }),
    message: `${field || 'The body'}: ${issue!.message}.`,
  });
}
