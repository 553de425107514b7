import type { IncomingMessage } from 'node:http';
import type { Json } from '../dialects/reading.ts';
import { LabError } from '../errors.ts';
import { credential } from '../journal.ts';
import type { Route } from '../routes.ts';
import { judgeSignature, type AwsAccount } from './signature-judge.ts';

/** What the simulated clouds accept. */
export interface CloudAccounts {
  readonly aws?: readonly AwsAccount[];
  /** Keys of Bedrock's own and access tokens of Google and Entra, each with its end. */
  readonly tokens?: ReadonlyMap<string, { readonly expiresMs: number }>;
}

/** Throws what the platform answers to a credential that is not good. Accounts that are not given are not checked. */
export async function authorizeCloud(
  accounts: CloudAccounts,
  { platform }: Route,
  request: IncomingMessage,
  body: Uint8Array,
): Promise<void> {
  const bearer = credential(request.headers);
  const signs = request.headers.authorization?.startsWith('AWS4-') === true;
  if (signs || (platform === 'bedrock' && !bearer)) return judgeSignature(accounts.aws ?? [], request, body);
  const until = accounts.tokens?.get(bearer?.value ?? '')?.expiresMs;
  if (until !== undefined && Date.now() < until) return;
  throw platform === 'bedrock'
    ? new LabError(403, 'Authentication failed: please make sure your API Key is valid.', {
        code: 'AccessDeniedException',
      })
    : new LabError(401, 'Request had invalid authentication credentials.', { body: UNAUTHENTICATED[platform!] });
}

/** The platforms' front doors answer in their own words, whatever the model behind speaks. */
const UNAUTHENTICATED = {
  bedrock: {},
  vertex: {
    error: {
      code: 401,
      message: 'Request had invalid authentication credentials. Expected OAuth 2 access token.',
      status: 'UNAUTHENTICATED',
    },
  },
  foundry: {
    error: { code: '401', message: 'Access denied due to invalid subscription key or wrong API endpoint.' },
  },
} as const;

const VERSION = { bedrock: 'bedrock-2023-05-31', vertex: 'vertex-2023-10-16' } as const;

/** The body as the model's own API would get it. Refuses what the platform refuses. */
export function withoutEnvelope(route: Route, body: Json): Json {
  const { platform, deployment, endpoint } = route;
  if ((platform !== 'bedrock' && platform !== 'vertex') || endpoint === 'converse') return body;
  if (endpoint === 'messages' && body['model'] !== undefined) throw extra('model');
  if (platform === 'bedrock' && body['stream'] !== undefined) throw extra('stream');
  if (endpoint === 'messages' && body['anthropic_version'] !== VERSION[platform])
    throw new LabError(400, 'anthropic_version: Field required', { code: 'ValidationException' });
  const { anthropic_version: _, anthropic_beta: __, ...rest } = body;
  if (endpoint !== 'messages') return rest;
  return { model: deployment, ...rest, stream: route.streams ?? rest['stream'] === true };
}

const extra = (field: string): LabError =>
  new LabError(400, `${field}: Extra inputs are not permitted`, { code: 'ValidationException' });
