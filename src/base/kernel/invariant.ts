/** A mistake of ours: never caused by input, always a bug. Its text may reach logs, never the wire. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** States what must hold by our own reasoning. For expected failure return a {@link Result} instead. */
export function invariant(condition: unknown, why: string): asserts condition {
  if (!condition) throw new InvariantError(why);
}

/** The branch of a closed union that cannot be reached. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable: ${String(value)}`);
}
