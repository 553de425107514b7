import { show, type CliContext } from '../context.ts';
import type { CommonFlags } from '../flags.ts';
import { dateTime } from '../format.ts';
import { ask, change } from '../state/change.ts';
import { drawTable } from '../table.ts';
import { plain } from '../text.ts';

export interface TokenCreateFlags extends CommonFlags {
  readonly scope: 'operator' | 'reader' | 'tenant';
  readonly tenant?: string;
  readonly for?: string;
}

interface Token {
  readonly id: string;
  readonly name: string;
  readonly scope: string;
  readonly tenant: string | null;
  readonly state: string;
  readonly createdAt: string;
  readonly expiresAt: string | null;
}

export const createToken = function (this: CliContext, flags: TokenCreateFlags, name: string): Promise<void> {
  const { scope, tenant, for: lives } = flags;
  return change(this, flags, {
    method: 'POST',
    path: '/tokens',
    body: { name, scope, ...(tenant !== undefined && { tenant }), ...(lives !== undefined && { for: lives }) },
    done: (token) => `created ${plain(String(token['id']))}\n${String(token['token'])}`,
    hint: 'it is not shown again; it logs in to the console, and commands look for it in HEADGATE_ADMIN_TOKEN',
  });
};

export async function listTokens(this: CliContext, flags: CommonFlags): Promise<void> {
  const { tokens } = (await ask(this, flags, { method: 'GET', path: '/tokens' })) as unknown as {
    tokens: readonly Token[];
  };
  show(this, {
    json: flags.json,
    report: { report: 'tokens', tokens },
    draw: () =>
      tokens.length === 0 ? 'No named tokens: the token of the first start opens everything.' : drawn(this, tokens),
  });
}

function drawn({ terminal, zone }: CliContext, tokens: readonly Token[]): string {
  const columns = [
    { title: 'token' },
    { title: 'name', shrinkTo: 8 },
    { title: 'opens' },
    { title: 'state' },
    { title: 'until', leaves: 1 },
    { title: 'created', leaves: 2 },
  ];
  const rows = tokens.map(({ id, name, scope, tenant, state, createdAt, expiresAt }) => [
    ...[plain(id), plain(name), tenant === null ? scope : `tenant ${plain(tenant)}`],
    state === 'live' ? state : { text: state, tone: terminal.paint.dim },
    ...[expiresAt === null ? '–' : time(zone, expiresAt), time(zone, createdAt)],
  ]);
  return drawTable({ columns, rows }, { width: terminal.width, heading: terminal.paint.dim }).lines.join('\n');
}

const time = (zone: string, at: string): string => dateTime(Date.parse(at), zone);

export function revokeToken(this: CliContext, flags: CommonFlags, token: string): Promise<void> {
  return change(this, flags, {
    method: 'POST',
    path: `/tokens/${encodeURIComponent(token)}/revoke`,
    body: {},
    done: ({ id, name }) => `revoked ${plain(String(id))} (${plain(String(name))})`,
  });
}
