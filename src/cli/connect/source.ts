import type { CallId } from '#kernel/brand.ts';
import { everyTenant } from '#kernel/whose.ts';
import type { LedgerEntry } from '#ports/entry.ts';
import type { CallsQuestion, SpendQuestion, SpendRow } from '#ports/ledger-store.ts';
import type { CliContext } from '../context.ts';
import { CliFailure } from '../failure.ts';
import { dataFolder, gateAddress } from './address.ts';
import { adminClient, Unreachable, type AdminClient } from './admin-client.ts';
import { gateSource } from './gate-source.ts';

/** What state looks like to reading commands: the admin API's own JSON. */
export type StateView = Readonly<Record<string, unknown>>;
export type StateKind = 'tenants' | 'teams' | 'keys' | 'budgets' | 'limits' | 'layers' | 'prices' | 'rows' | 'jobs';

/**
 * Who reads a folder owns it, and a gate answers what its token opens: the command line itself has nobody to keep apart.
 */
export const ASKER = everyTenant('whoever asks: the token or the folder says what may be read');

/** Where reading commands read: a running gate, or its store while none runs. */
export interface Source {
  readonly kind: 'gate' | 'store';
  spend(question: SpendQuestion): Promise<readonly SpendRow[]>;
  calls(question: CallsQuestion): Promise<readonly LedgerEntry[]>;
  call(id: CallId): Promise<LedgerEntry | null>;
  list(kind: StateKind, filter?: Readonly<Record<string, string | undefined>>): Promise<readonly StateView[]>;
  close(): Promise<void>;
}

export interface ConnectFlags {
  readonly data?: string;
}

/** The running gate, for commands that change something, or that need it for another reason. */
export async function connect(
  context: CliContext,
  { data }: ConnectFlags,
  why = 'this command changes its state',
): Promise<AdminClient> {
  const folder = await dataFolder(data, context.env);
  const address = gateAddress(folder, context.env);
  if (address) return adminClient(address);
  throw new CliFailure({
    code: 'gate_not_running',
    message: `No gate is running on ${folder}, and ${why}.`,
    hint: 'start one with `headgate up`, or set HEADGATE_URL and HEADGATE_ADMIN_TOKEN to reach another',
  });
}

/** Runs `read` against the gate, or against its store with a note on stderr where none is running. */
export async function withSource<T>(
  context: CliContext,
  { data }: ConnectFlags,
  read: (source: Source) => Promise<T>,
): Promise<T> {
  return gateOrFolder(
    context,
    { ...(data !== undefined && { data }) },
    {
      gate: (client) => read(gateSource(client)),
      folder: async (folder) => {
        const { openStoreSource } = await import('./store-source.ts');
        const source = openStoreSource(folder);
        context.terminal.note(`note: no gate is running; reading ${folder} as it was left`);
        try {
          return await read(source);
        } finally {
          await source.close();
        }
      },
    },
  );
}

interface Either<T> {
  readonly gate: (client: AdminClient) => Promise<T>;
  /** No gate is running on it. */
  readonly folder: (folder: string) => Promise<T>;
}

/** Asks the running gate, or reads its folder where none is running. */
export async function gateOrFolder<T>(context: CliContext, { data }: ConnectFlags, ways: Either<T>): Promise<T> {
  const folder = await dataFolder(data, context.env);
  const address = gateAddress(folder, context.env);
  if (address) {
    try {
      return await ways.gate(adminClient(address));
    } catch (error) {
      // The address file of a gate that was killed: its pid may be another program's by now.
      if (!(error instanceof Unreachable) || address.named) throw error;
    }
  }
  return ways.folder(folder);
}
