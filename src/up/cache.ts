import { MemoryAnswerCache } from '#stores/memory/answer-cache.ts';
import { Flights } from '#gateway/cache/flight/flights.ts';
import { CacheMeter } from '#gateway/cache/meter.ts';
import type { CacheParts } from '#gateway/cache/parts.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { systemClock } from './system.ts';

/** Answers in this process; the bounds are those of the configuration of the moment. */
export const openCache = (present: { readonly config: GateConfig }): CacheParts => ({
  answers: new MemoryAnswerCache(
    () => present.config.file.cache,
    () => systemClock.now(),
  ),
  flights: new Flights(() => present.config.file.cache),
  meter: new CacheMeter(),
});
