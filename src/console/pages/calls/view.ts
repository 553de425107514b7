/** What `/admin/calls/{call}/content` answers: times are text. */
import type { CallContent } from '#capabilities/parity/index.ts';

export type CallContentView = Omit<CallContent, 'at' | 'expiresAt'> & {
  readonly at: string;
  readonly expiresAt: string;
};
