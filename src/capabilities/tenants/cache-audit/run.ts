import { shuffled, type Rng } from '#kernel/rng.ts';
import { derivedPrompt, freshPrompt } from './core/prompts.ts';
import { judge, overall, type Level, type LevelFigures, type Probe, type Verdict } from './core/verdict.ts';

export interface AuditPlan {
  /** Probes of each kind and level. */
  readonly samples: number;
  /** Length of a prompt in letters, about a token each. */
  readonly letters: number;
  /** How often the beginning is sent before it is probed. */
  readonly warmups: number;
  /** Share of the prompt that another tenant's probe has in common with what was sent before. */
  readonly share: number;
  readonly levels: readonly Level[];
  readonly pauseMs: number;
}

export interface AuditParts {
  readonly plan: AuditPlan;
  readonly rng: Rng;
  /** Sends a prompt as one of the two tenants, and times the first event of its answer. */
  readonly ask: (who: 'victim' | 'attacker', prompt: string) => Promise<Omit<Probe, 'sample'>>;
  readonly sleep: (ms: number) => Promise<void>;
  /** Told of each probe: how many are done. */
  readonly step: (done: number, of: number) => void;
}

export interface AuditFigures {
  readonly levels: readonly LevelFigures[];
  readonly verdict: Verdict;
}

/** Calls that a plan makes. */
export const callsOf = ({ samples, warmups, levels }: AuditPlan): number => levels.length * samples * (warmups + 2);

/**
 * Probes hits and misses of all levels in one random order, so that what else the provider does falls on all of them
 * alike. A hit: somebody sends a prompt, then the attacker one that begins alike. A miss: a prompt that nobody sent.
 */
export async function auditCache({ plan, rng, ask, sleep, step }: AuditParts): Promise<AuditFigures> {
  const order = shuffled(
    rng,
    plan.levels.flatMap((level) =>
      (['hit', 'miss'] as const).flatMap((sample) => Array.from({ length: plan.samples }, () => ({ level, sample }))),
    ),
  );
  const probes = new Map<Level, Probe[]>(plan.levels.map((level) => [level, []]));
  for (const [i, { level, sample }] of order.entries()) {
    let prompt = freshPrompt(rng, plan.letters);
    if (sample === 'hit') {
      for (let sent = 0; sent < plan.warmups; sent++) await ask(level === 'same' ? 'attacker' : 'victim', prompt);
      prompt = derivedPrompt(rng, prompt, level === 'same' ? 1 : plan.share);
    }
    probes.get(level)!.push({ sample, ...(await ask('attacker', prompt)) });
    step(i + 1, order.length);
    if (plan.pauseMs > 0) await sleep(plan.pauseMs);
  }
  const levels = [...probes].map(([level, of]) => judge(level, of));
  return { levels, verdict: overall(levels) };
}
