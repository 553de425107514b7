import { firstBlocksHash } from '#wire/first-blocks.ts';
import type { NanoUsd } from '#kernel/money.ts';
import { tenantKey } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import {
  deploymentId,
  familyOf,
  heldFirst,
  thoughtElsewhere,
  usageIfHeld,
  type ConversationKey,
  type Deployment,
  type Kept,
  type ModelGroup,
} from '#capabilities/failover/index.ts';
import type { Attribution, Caller } from '#capabilities/tenants/index.ts';
import type { AttemptRecord, Call, Exchange } from './call.ts';
import type { Decoded } from './decode.ts';
import type { Gate } from './gate.ts';

/** A conversation among the deployments of one model (clients.md 7). */
export interface Stay {
  /** Tenant, model and conversation; never crosses a tenant. */
  readonly key: ConversationKey;
  /** Null: its prompt lies nowhere that we know of. */
  readonly kept: Kept | null;
}

interface Facts {
  readonly caller: Caller;
  readonly attribution: Attribution;
  readonly decoded: Decoded;
  readonly group: ModelGroup;
}

/** What is known of the call's conversation; null where it names none. */
export function stayOf(gate: Gate, exchange: Exchange, { caller, attribution, decoded, group }: Facts): Stay | null {
  const named = attribution.session ?? sessionHeader(exchange) ?? decoded.view.sessionHint;
  const conversation = named ?? decoded.view.conversation ?? firstBlocksHash(decoded.body.value);
  if (conversation === null) return null;
  const key = tenantKey(caller.tenant.id, 'conversation', group.name, named === null ? '#' : '=', conversation);
  return { key, kept: gate.affinity.find(key, gate.clock.now()) };
}

/** Known without the right to name a session in the ledger: it chooses between the tenant's own deployments alone. */
function sessionHeader({ request }: Exchange): string | null {
  const id = request.headers['x-claude-code-session-id'];
  return typeof id === 'string' && id.length <= 256 ? id : null;
}

/** The order of attempts with the deployment first that holds the prompt; a conversation that begins is noted. */
export function stayFirst(
  gate: Gate,
  stay: Stay,
  order: readonly Deployment[],
  modelAsked: string,
): readonly Deployment[] {
  if (stay.kept !== null) return heldFirst(order, stay.kept.deployment, modelAsked);
  gate.affinity.begin(stay.key, deploymentId(order[0]!, modelAsked), gate.clock.now());
  return order;
}

/** Did another family think in this conversation, so that its reasoning means nothing to this deployment? */
export function carriesForeignReasoning(call: Call, deployment: Deployment): boolean {
  const kept = call.facts.stay?.kept;
  if (!kept || kept.families.length === 0) return false;
  return thoughtElsewhere(kept.families, familyOf(deployment, call.facts.view.model));
}

/** After an answer with a good status the provider holds the prompt, whatever became of the answer. */
export function learnStay(gate: Gate, call: Call, last: AttemptRecord): void {
  const { stay, view, body } = call.facts;
  if (stay === null || last.httpStatus === null || last.httpStatus < 200 || last.httpStatus >= 300) return;
  const answered = {
    deployment: last.deploymentName,
    family: familyOf(last.deployment, view.model),
    usage: last.usage,
    keptForADay: body.value['prompt_cache_retention'] === '24h',
  };
  gate.affinity.learn(stay.key, answered, gate.clock.now());
}

export type Move = Pick<LedgerEntry, 'movedFrom' | 'moveCostNanoUsd'>;
const STAYED: Move = Object.freeze({ movedFrom: null, moveCostNanoUsd: null });

/** Did the conversation leave the deployment that held its prompt, and what did that cost? */
export function moveOf(gate: Gate, call: Call, last: AttemptRecord | undefined): Move {
  const kept = call.facts.stay?.kept;
  if (!kept || last === undefined || kept.tokens === 0 || kept.deployment === last.deploymentName) return STAYED;
  return { movedFrom: kept.deployment, moveCostNanoUsd: costOfMove(gate, kept, last) };
}

/** The price of what a cache would have given; null where the usage or a price is not known. */
function costOfMove(gate: Gate, kept: Kept, { price, usage }: AttemptRecord): NanoUsd | null {
  if (price === null || usage === null || usage.inputTokens === null) return null;
  const held = usageIfHeld(kept, usage);
  const paid = gate.prices.cost(price, usage)?.total;
  const would = held === null ? paid : gate.prices.cost(price, held)?.total;
  if (paid === undefined || would === undefined) return null;
  return (paid > would ? paid - would : 0n) as NanoUsd;
}
