import type { PolicyView } from '#wire/dialect.ts';

/** What a body says of its caller where there is no call's body: nothing. Headers alone attribute. */
export const NO_HINTS: Pick<PolicyView, 'endUser' | 'sessionHint'> = Object.freeze({
  endUser: null,
  sessionHint: null,
});
