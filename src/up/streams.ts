import { Streams } from '#capabilities/streams/index.ts';
import type { GateConfig } from '#gateway/config/resolve.ts';
import { systemClock, systemRng } from './system.ts';

/** Bounds are those of the configuration of the moment. */
export const openStreams = (present: { readonly config: GateConfig }): Streams =>
  new Streams({
    clock: systemClock,
    rng: systemRng,
    bounds: () => {
      const { keep, grace, streamBytes, tenantBytes, totalBytes, orphansPerKey } = present.config.file.stream.resume;
      return { keepMs: keep, graceMs: grace, streamBytes, tenantBytes, totalBytes, orphansOfKey: orphansPerKey };
    },
  });
