import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CloudAccounts } from '#lab/provider/clouds/platform.ts';
import type { AwsAccount } from '#lab/provider/clouds/signature-judge.ts';

/** Hands out short-lived credentials as the platforms' own services do, and says what it was asked. */
export interface Identity {
  readonly url: string;
  readonly host: string;
  /** What the simulated clouds accept: every credential handed out, until it ends. */
  readonly accounts: CloudAccounts & {
    readonly aws: AwsAccount[];
    readonly tokens: Map<string, { expiresMs: number }>;
  };
  /** Names of the services asked for a credential, in order. */
  readonly asked: readonly string[];
  /** From now on every service fails, or works again. */
  fail(fails: boolean): void;
  /** Ends what was handed out, before its time. */
  revoke(): void;
  close(): Promise<void>;
}

export interface IdentityOptions {
  readonly region: string;
  /** Life of what is handed out. */
  readonly lifeMs: number;
}

const ROLE = 'lab-role';
/** What App Service gives a process to prove itself with. */
export const IDENTITY_HEADER = 'lab-identity-header';

interface Shop extends Pick<Identity, 'accounts'> {
  readonly options: IdentityOptions;
  readonly asked: string[];
  fails: boolean;
}

export async function startIdentity(options: IdentityOptions): Promise<Identity> {
  const shop: Shop = { options, asked: [], fails: false, accounts: { aws: [], tokens: new Map() } };
  const server = createServer((request, response) => void answer(shop, request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    accounts: shop.accounts,
    asked: shop.asked,
    fail: (fails) => void (shop.fails = fails),
    revoke: () => {
      for (const [i, account] of shop.accounts.aws.entries()) shop.accounts.aws[i] = { ...account, expiresMs: 0 };
      for (const token of shop.accounts.tokens.keys()) shop.accounts.tokens.set(token, { expiresMs: 0 });
    },
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function answer(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://lab');
  let body = '';
  for await (const chunk of request) body += String(chunk);
  const service = serviceOf(url, body);
  if (service === null) return void response.writeHead(404).end();
  if (shop.fails) return void response.writeHead(500).end('the service is down');
  const made: Made = SERVICES[service](shop, request, url);
  if (made.credential) shop.asked.push(service);
  response.writeHead(made.status ?? 200, { 'metadata-flavor': 'Google', 'content-type': made.type ?? 'text/plain' });
  response.end(made.body);
}

interface Made {
  readonly body: string;
  readonly status?: number;
  readonly type?: string;
  /** Was this a credential, or a step on the way to one? */
  readonly credential?: boolean;
}
type Service = (shop: Shop, request: IncomingMessage, url: URL) => Made;

function serviceOf(url: URL, body: string): keyof typeof SERVICES | null {
  if (url.pathname.startsWith('/latest/')) return 'imds';
  if (url.pathname === '/container') return 'container';
  if (url.pathname === '/' && body.includes('AssumeRoleWithWebIdentity')) return 'sts';
  if (url.pathname.startsWith('/computeMetadata/')) return 'google';
  return url.pathname === '/msi/token' ? 'azure' : null;
}

const SERVICES = {
  /** The instance's metadata service, version 2 (EC2). */
  imds: (shop, request, url) => {
    if (url.pathname === '/latest/api/token') return { body: 'lab-session-of-the-metadata-service' };
    if (!request.headers['x-aws-ec2-metadata-token']) return { body: '', status: 401 };
    if (url.pathname.endsWith('/security-credentials/')) return { body: ROLE };
    return { ...containerForm(shop, { Code: 'Success', Type: 'AWS-HMAC' }), credential: true };
  },
  /** Container credentials (ECS, EKS Pod Identity). */
  container: (shop, request) =>
    request.headers.authorization === 'lab-container-token'
      ? { ...containerForm(shop, { RoleArn: `arn:aws:iam::123456789012:role/${ROLE}` }), credential: true }
      : { body: '', status: 401 },
  /** AssumeRoleWithWebIdentity (IRSA): the token of a service account for a role's keys. */
  sts: (shop) => {
    const { accessKeyId, secretAccessKey, sessionToken, expiresMs } = issueKeys(shop);
    const keys = `<AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>${secretAccessKey}</SecretAccessKey>`;
    const rest = `<SessionToken>${sessionToken}</SessionToken><Expiration>${new Date(expiresMs!).toISOString()}</Expiration>`;
    const result = `<Credentials>${keys}${rest}</Credentials>`;
    return {
      body: `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>${result}</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`,
      type: 'text/xml',
      credential: true,
    };
  },
  /** The metadata server of Compute Engine and GKE (workload identity). */
  google: (shop, _request, url) => {
    if (!url.pathname.endsWith('/token')) return { body: 'lab-project' };
    const token = issueToken(shop, 'ya29.lab');
    return json({ access_token: token, expires_in: Math.floor(shop.options.lifeMs / 1000), token_type: 'Bearer' });
  },
  /** A managed identity of App Service, Functions and Container Apps. */
  azure: (shop, request, url) => {
    if (request.headers['x-identity-header'] !== IDENTITY_HEADER) return { body: '', status: 401 };
    const token = issueToken(shop, 'eyJ.lab');
    const expires = Math.floor((Date.now() + shop.options.lifeMs) / 1000);
    const resource = url.searchParams.get('resource');
    return json({ access_token: token, expires_on: String(expires), resource, token_type: 'Bearer' });
  },
} satisfies Record<string, Service>;

const json = (value: object): Made => ({ body: JSON.stringify(value), type: 'application/json', credential: true });

function containerForm(shop: Shop, more: object): Made {
  const { accessKeyId, secretAccessKey, sessionToken, expiresMs } = issueKeys(shop);
  const keys = { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken };
  return {
    body: JSON.stringify({ ...more, ...keys, Expiration: new Date(expiresMs!).toISOString() }),
    type: 'application/json',
  };
}

function issueKeys({ accounts, options }: Shop): AwsAccount {
  const n = String(accounts.aws.length + 1).padStart(4, '0');
  const account: AwsAccount = {
    accessKeyId: `ASIAHEADGATELAB0${n}`,
    secretAccessKey: `lab/secret/of/the/issued/keys/${n}`,
    sessionToken: `lab-session-${n}==`,
    region: options.region,
    expiresMs: Date.now() + options.lifeMs,
  };
  accounts.aws.push(account);
  return account;
}

function issueToken({ accounts, options }: Shop, prefix: string): string {
  const token = `${prefix}.token-${accounts.tokens.size + 1}`;
  accounts.tokens.set(token, { expiresMs: Date.now() + options.lifeMs });
  return token;
}
