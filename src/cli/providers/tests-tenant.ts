/** Calls of `headgate providers test` are this tenant's, so that none of yours pays for them. */
export const TESTS_TENANT = 'headgate-tests';
