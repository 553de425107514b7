/** What the operator must mend before a start; the CLI prints it and exits with 2. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
