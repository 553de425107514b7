import { iso } from '#kernel/clock.ts';
import type { Job } from '#ports/job-queue.ts';

/** Times in ISO 8601; the payload holds ids alone. */
export const jobView = ({ runAt, createdAt, updatedAt, lease, payload, dedupe: _, ...job }: Job): object => ({
  ...job,
  runAt: iso(runAt),
  createdAt: iso(createdAt),
  updatedAt: iso(updatedAt),
  leasedUntil: lease && iso(lease.until),
  of: JSON.parse(payload) as unknown,
});
