import { text as readAll } from 'node:stream/consumers';
import { parseReference } from '#kernel/config/primitives.ts';
import { clientNamed, fill, type ClientSnippets, type Snippet } from '#gateway/snippets/index.ts';
import type { ClientName } from '#gateway/snippets/names.ts';
import type { AdminClient } from '../connect/admin-client.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT, usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { TESTS_TENANT } from '../providers/tests-tenant.ts';
import { given } from '../state/change.ts';
import { drawConnect } from './draw.ts';
import { modelFor } from './model.ts';
import { runProbe, type ProbeResult } from './probe.ts';

export interface ConnectFlags extends CommonFlags {
  readonly key?: string;
  readonly tenant?: string;
  readonly team?: string;
  readonly feature?: string;
  readonly name?: string;
  readonly model?: string;
  readonly url?: string;
  readonly test: boolean;
}

export interface ConnectReport {
  readonly report: 'connect';
  readonly client: string;
  readonly title: string;
  readonly url: string;
  /** Null: the key was given. */
  readonly key: { readonly id: string; readonly name: string; readonly tenant: string } | null;
  readonly model: string;
  readonly settings: readonly Snippet[];
  readonly notes: readonly string[];
  readonly test: ProbeResult | null;
}

interface UsedKey {
  readonly raw: string;
  readonly made: ConnectReport['key'];
}

export async function connectClient(this: CliContext, flags: ConnectFlags, name: ClientName): Promise<void> {
  const client = clientNamed(name)!;
  const admin = await connect(this, flags);
  const key =
    flags.key === undefined ? await newKey(admin, client, flags) : { raw: await givenKey(this, flags.key), made: null };
  const model = flags.model ?? (await modelOrNoKey(admin, client, key));
  const filling = { url: (flags.url ?? admin.url).replace(/\/+$/, ''), key: key.raw, model };
  const report: ConnectReport = {
    ...{ report: 'connect', client: client.name, title: client.title, url: filling.url, key: key.made, model },
    settings: client.snippets.map((snippet) => ({ ...snippet, text: fill(snippet.text, filling) })),
    notes: [...addressNotes(client, filling.url), ...client.notes, ...client.limits],
    // The test goes to the gate itself: the address in the settings may be reachable from elsewhere alone.
    test: flags.test ? await runProbe(this, admin, { client, filling: { ...filling, url: admin.url } }) : null,
  };
  show(this, { json: flags.json, report, draw: (value) => drawConnect(value, this.terminal) });
  if (report.test && !report.test.ok) this.exit(EXIT.failed);
}

/** A key that nobody gets to see must not stay. */
async function modelOrNoKey(admin: AdminClient, client: ClientSnippets, { raw, made }: UsedKey): Promise<string> {
  try {
    return await modelFor(admin.url, raw, client);
  } catch (error) {
    if (made) await admin.ask('POST', `/keys/${made.id}/revoke`, { body: {} });
    throw error;
  }
}

/** What stands on a command line is in the history and in `ps`: a reference or stdin keeps it out of both. */
async function givenKey({ env }: CliContext, text: string): Promise<string> {
  if (text === '-') return (await readAll(process.stdin)).trim();
  const reference = parseReference(text);
  if (reference?.from !== 'env') return text;
  const value = env[reference.name];
  if (value) return value.trim();
  throw usageFailure(`--key: the variable ${reference.name} is not set.`, 'set it, or leave --key out for a new key');
}

async function newKey(admin: AdminClient, client: ClientSnippets, flags: ConnectFlags): Promise<UsedKey> {
  const tenant = flags.tenant ?? (await onlyTenant(admin));
  const body = {
    tenant,
    name: flags.name ?? client.name,
    ...given({ team: flags.team, defaultFeature: flags.feature }),
  };
  const made = (await admin.ask('POST', '/keys', { body })) as {
    key: string;
    id: string;
    name: string;
    tenant: string;
  };
  return { raw: made.key, made: { id: made.id, name: made.name, tenant: made.tenant } };
}

interface TenantView {
  readonly id: string;
  readonly disabledAt: string | null;
}

async function onlyTenant(admin: AdminClient): Promise<string> {
  const { tenants: all } = (await admin.ask('GET', '/tenants')) as { tenants: readonly TenantView[] };
  const tenants = all.filter(({ id, disabledAt }) => id !== TESTS_TENANT && disabledAt === null);
  if (tenants.length === 1) return tenants[0]!.id;
  throw new CliFailure({
    code: 'usage',
    message: tenants.length === 0 ? 'There is no tenant yet.' : `There are ${tenants.length} tenants.`,
    hint:
      tenants.length === 0
        ? 'headgate tenants create <id>'
        : `name one with --tenant: ${tenants
            .slice(0, 8)
            .map(({ id }) => id)
            .join(', ')}`,
    exit: EXIT.usage,
  });
}

function addressNotes({ needsPublicHttps, title }: ClientSnippets, url: string): string[] {
  const { protocol, hostname } = new URL(url);
  const isLoopback = /^(localhost|127\.|\[::1\])/.test(hostname);
  if (!needsPublicHttps || (protocol === 'https:' && !isLoopback)) return [];
  return [`${title} does not reach ${url}: give the public HTTPS address with --url.`];
}
