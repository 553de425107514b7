/** What all commands on state share: ask the gate, say what was done; list, and draw a table. */
import { connect, withSource, type StateKind, type StateView } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { dateTime, UNKNOWN } from '../format.ts';
import { jsonText } from '../json.ts';
import { drawTable, type Cell, type Column } from '../table.ts';
import { plain } from '../text.ts';

interface Change {
  readonly method: string;
  readonly path: string;
  readonly body?: object;
  /** One line of what was done. */
  readonly done: (answer: StateView) => string;
  /** Next step, shown on stderr. */
  readonly hint?: string;
}

export async function change(context: CliContext, flags: CommonFlags, asked: Change): Promise<void> {
  const answer = await ask(context, flags, asked);
  if (flags.json) return context.terminal.print(jsonText(answer));
  context.terminal.print(asked.done(answer));
  if (asked.hint) context.terminal.note(`hint: ${plain(asked.hint)}`);
}

export async function ask(
  context: CliContext,
  flags: CommonFlags,
  asked: Pick<Change, 'method' | 'path' | 'body'>,
): Promise<StateView> {
  const client = await connect(context, flags);
  return (await client.ask(asked.method, asked.path, asked.body ? { body: asked.body } : {})) as StateView;
}

/** Where a change of an incident is safe, where that is not the store. */
export function keptText({ kept }: StateView): string {
  if (kept === 'node') return '\nnote: the store is away; this holds here, and the store gets it when it is back';
  if (kept === 'memory')
    return '\nwarning: neither the store nor this node’s disk took it: it holds until this gate ends';
  return '';
}

interface Listing {
  readonly kind: StateKind;
  readonly filter?: Readonly<Record<string, string | undefined>>;
  readonly columns: readonly Column[];
  readonly row: (view: StateView) => readonly Cell[];
  /** Lines under the table. */
  readonly notes?: (views: readonly StateView[]) => readonly string[];
  readonly empty: string;
  readonly hint: string;
}

export function listed(context: CliContext, flags: CommonFlags, listing: Listing): Promise<void> {
  return withSource(context, flags, async (source) => {
    const report = { report: listing.kind, [listing.kind]: await source.list(listing.kind, listing.filter) };
    show(context, {
      json: flags.json,
      report,
      draw: (value) => draw(context, listing, value[listing.kind] as readonly StateView[]),
    });
  });
}

function draw(
  { terminal }: CliContext,
  { columns, row, notes, empty, hint }: Listing,
  views: readonly StateView[],
): string {
  if (views.length === 0) return `${empty}\n\nhint: ${hint}`;
  const table = drawTable({ columns, rows: views.map(row) }, { width: terminal.width, heading: terminal.paint.dim });
  const under = [
    ...(notes?.(views) ?? []),
    ...(table.left.length > 0 ? [`no room for: ${table.left.join(', ')}`] : []),
  ];
  return [...table.lines, ...(under.length > 0 ? ['', ...under] : [])].join('\n');
}

/** Fields that were given; a flag that is absent changes nothing. */
export const given = <T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;

export const word = (value: unknown): string =>
  value === null || value === undefined ? UNKNOWN : plain(String(value));

/** Where a row comes from: the API, or its place in headgate.yaml, where alone it is changed. */
export const SOURCE = { title: 'from', shrinkTo: 18 } as const;
export function source(view: StateView): string {
  const declared = view['declared'] as { readonly path: string } | null | undefined;
  // The list itself says of what: its section of the file would take the place of the name.
  return declared ? `file: ${plain(declared.path.replace(/^\w+\./, ''))}` : 'API';
}

export const day = ({ zone }: CliContext, value: unknown): string =>
  typeof value === 'string' ? dateTime(Date.parse(value), zone) : UNKNOWN;

/** `tenant acme`, `each key of acme`, `feature search of acme`. */
export function scopeText(row: StateView): string {
  const { level, tenant, id } = row['scope'] as { level: string; tenant: string | null; id: string | null };
  if (level === 'operator') return 'all tenants';
  const owner = word(tenant);
  if (level === 'tenant') return `tenant ${owner}`;
  const kind = level.replace('_', ' ');
  return id === null ? `each ${kind} of ${owner}` : `${kind} ${word(id)} of ${owner}`;
}
