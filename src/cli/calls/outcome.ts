import type { LedgerEntry } from '#ports/entry.ts';

/** `ok`, `timeout`, `provider_error 529`, `cancelled by client`: in the terminal and on the console. */
export function outcomeText({ status, httpStatus, cancelledBy }: LedgerEntry): string {
  if (cancelledBy !== null) return `cancelled by ${cancelledBy}`;
  // The status line of an answer that went wrong later says nothing.
  return httpStatus === null || httpStatus < 400 ? status : `${status} ${httpStatus}`;
}
