import type { StatementSync } from 'node:sqlite';

/** Reads money exactly: integers come as BigInt. */
export function exactly(statement: StatementSync): StatementSync {
  statement.setReadBigInts(true);
  return statement;
}
