import type { RelayContext } from '../attempt.ts';
import { DelayLine, untilGrid } from './delay-line.ts';
import { effectiveOf, ttftQuantumOf } from './rules.ts';

/**
 * The first token of an answer is there: by how much all of it goes out later, so that it begins at a multiple of the
 * quantum after the call did. Null: at once. To hold the first token alone would leave its time to be read off the second.
 */
export function lineToGrid({ gate, call, record, control }: RelayContext): DelayLine | null {
  const quantumMs = ttftQuantumOf(record.deployment, effectiveOf(call.facts));
  if (quantumMs === 0 || call.facts.dialect.kind !== 'generate') return null;
  const mono = (): number => gate.clock.mono();
  const delayMs = untilGrid(mono() - call.facts.startedMono, quantumMs);
  record.heldMs = delayMs;
  return new DelayLine({ delayMs, mono, resume: () => control.resume() });
}
