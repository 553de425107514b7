import { setImmediate as nextTurn } from 'node:timers/promises';
import type { FeatureName } from '#kernel/brand.ts';
import { answerKey, type AnswerKey } from '#ports/answer-cache.ts';
import { andThen, type MaybePromise } from '#ports/shared-state.ts';
import { AnswerDigest } from '#capabilities/tenants/index.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import { headersOf, pathOf } from '#providers/index.ts';
import type { DialectName } from '#wire/canonical.ts';
import type { StrictJson } from '#wire/json/strict.ts';
import type { Call } from '../call.ts';
import type { Gate } from '../gate.ts';

/**
 * Members of a body that say who asks and how the answer is carried, and nothing of what it says. A dialect whose
 * answers repeat such a member does not have it here: Responses gives `user` and `metadata` back.
 */
const SILENT: Readonly<Partial<Record<DialectName, readonly string[]>>> = {
  // The provider keeps `metadata` beside a stored completion alone, and stored ones are not cached. `user` and
  // `safety_identifier` name the end user for abuse reports; the two of `prompt_cache` are about its own cache.
  'openai-chat': ['user', 'safety_identifier', 'metadata', 'prompt_cache_key', 'prompt_cache_retention'],
  'openai-completions': ['user'],
  'openai-embeddings': ['user'],
  // `metadata.user_id`, the only member of it.
  'anthropic-messages': ['metadata'],
  // For filters of the account's invocation logs.
  'bedrock-converse': ['requestMetadata'],
  // For the breakdown of the bill.
  'google-generate': ['labels'],
};

/** Whether it streams is a part of the key by itself: a path says it for some dialects. */
const STREAM = 'stream';

/** Hashed in one turn of the loop: 0.5 ms on a slow machine. */
const TURN_BYTES = 256 * 1024;
/** Members of so much in all are hashed as one piece: to copy them costs less than to hand them over one by one. */
const JOINED_BYTES = 16 * 1024;

/**
 * The name of a call among the answers of its tenant and feature: what is sent, after layers, aliases and templates;
 * how it is asked; the limit of output that a budget sets; and every deployment that may answer, with the address and
 * the headers that the request would have there. A body's members count in any order, each byte by byte.
 */
export function keyOf(gate: Pick<Gate, 'cache'>, call: Call, feature: FeatureName): MaybePromise<AnswerKey> {
  const { caller, body, dialect, view, reservation } = call.facts;
  const { onUnsupported } = call.exchange.config.file.features[feature]!;
  const asked = [dialect.name, view.stream, view.model, reservation.sendMaxOutputTokens, onUnsupported];
  const members = membersOf(body, SILENT[dialect.name] ?? []);
  const lengths = members.map(({ name, bytes }) => [name, bytes.length]);
  const digest = new AnswerDigest(gate.cache.secretOf(caller.tenant), [asked, targetsOf(call), lengths]);
  return andThen(hashed(digest, members, body.bytes.length), () => answerKey(caller.tenant.id, feature, digest.end()));
}

interface Member {
  readonly name: string;
  readonly bytes: Buffer;
}

function membersOf({ spans, bytes }: StrictJson, silent: readonly string[]): readonly Member[] {
  const names = [...spans.keys()].filter((name) => name !== STREAM && !silent.includes(name)).sort();
  return names.map((name) => {
    const { start, end } = spans.get(name)!;
    return { name, bytes: bytes.subarray(start, end) };
  });
}

function hashed(digest: AnswerDigest, members: readonly Member[], bytes: number): MaybePromise<void> {
  if (bytes > TURN_BYTES) return hashedByTurns(digest, members);
  if (bytes <= JOINED_BYTES) return digest.add(Buffer.concat(members.map((member) => member.bytes)));
  for (const member of members) digest.add(member.bytes);
}

async function hashedByTurns(digest: AnswerDigest, members: readonly Member[]): Promise<void> {
  for (const { bytes } of members)
    for (let at = 0; at < bytes.length; at += TURN_BYTES) {
      digest.add(bytes.subarray(at, at + TURN_BYTES));
      if (bytes.length > TURN_BYTES) await nextTurn();
    }
}

/** The model's own deployments in the regions that the call's layers allow; a chain's answers are not kept. */
export function ownDeployments({ facts: { group, layers } }: Call): readonly Deployment[] {
  const regions = layers?.effective.regions?.value;
  return regions === undefined
    ? group.deployments
    : group.deployments.filter(({ dataRegion }) => dataRegion !== undefined && regions.includes(dataRegion));
}

const targetsOf = (call: Call): unknown[] => ownDeployments(call).map((deployment) => targetOf(call, deployment));

/** What a deployment would be sent beside the body, without the credential. */
function targetOf({ facts: { view, dialect }, exchange }: Call, deployment: Deployment): unknown {
  const { provider, onUnsupported } = deployment;
  const model = deployment.model ?? view.model;
  const path = pathOf(provider, { dialect: dialect.name, model, stream: view.stream, clientQuery: exchange.query });
  const crossing = headersOf(provider, exchange.request.headers).slice(provider.plan.headers.length);
  const own = [provider.headers, provider.cacheControl, onUnsupported];
  return [provider.name, provider.origin, path, model, crossing, own];
}
