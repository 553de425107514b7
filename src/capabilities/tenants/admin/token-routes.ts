import { z } from 'zod';
import type { EpochMs } from '#kernel/brand.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import type { AdminToken } from '#ports/state-store.ts';
import { hashKey, isLive } from '../core/keys.ts';
import { FIRST_NAMES } from './access.ts';
import { commit, theTenant, type AdminContext } from './context.ts';
import { duration } from './fields.ts';
import { route, type AdminRoute } from './route.ts';
import { isoOrNull } from './views.ts';

const tag = 'tokens';
const BYTES = 32;
const LONGEST_MS = 366 * 86_400_000;
/** Told from a key of calls by everybody who finds one. */
const PREFIX = 'hga_';

/** Named tokens of this API: several, each for what its holder does, until it ends. */
export const tokenRoutes = (context: AdminContext): AdminRoute[] => [
  route('GET /admin/tokens', {
    tag,
    summary: 'List admin tokens; their text is never shown again',
    run: async () => ({
      tokens: [...context.tenants.directory.tokens()].map((token) => view(token, context.clock.now())),
    }),
  }),
  route('POST /admin/tokens', {
    tag,
    summary: 'Create an admin token; the answer alone shows its text',
    status: 201,
    body: z.strictObject({
      name: z.string().trim().min(1).max(64).describe('Whom the audit names.'),
      scope: z
        .enum(['operator', 'reader', 'tenant'])
        .describe(
          '`operator`: everything; `reader`: everything that reads, without texts; `tenant`: one tenant’s own.',
        ),
      tenant: z.string().optional().describe('Of the scope `tenant`.'),
      for: duration(LONGEST_MS).optional().describe('Until it ends; at most 366 days. Default: it does not.'),
    }),
    run: async (_, { name, scope, tenant, for: lives }, actor) => {
      if ((scope === 'tenant') !== (tenant !== undefined))
        throw new HeadgateError('invalid_request', {
          field: 'tenant',
          message: 'A token of the scope `tenant` names its tenant, and no other does.',
        });
      const now = context.clock.now();
      if (Object.values<string>(FIRST_NAMES).includes(name))
        throw new HeadgateError('conflict', {
          field: 'name',
          message: `In the audit \`${name}\` is the token of the first start: choose another name.`,
        });
      const same = [...context.tenants.directory.tokens()].some((one) => one.name === name && isLive(one, now));
      if (same)
        throw new HeadgateError('conflict', { field: 'name', message: `There is a token \`${name}\` already.` });
      const text = PREFIX + Buffer.from(context.randomBytes(BYTES)).toString('base64url');
      const token: AdminToken = {
        ...{ id: timeOrderedId('tok_', now, context.rng), name, hash: hashKey(text), scope },
        tenant: tenant === undefined ? null : theTenant(context, tenant).id,
        createdAt: now,
        expiresAt: lives === undefined ? null : ((now + lives) as EpochMs),
        revokedAt: null,
      };
      await put(context, actor, 'token.create', token);
      return { token: text, ...view(token, now) };
    },
  }),
  route('POST /admin/tokens/:token/revoke', {
    tag,
    summary: 'Revoke an admin token at once, logins of the console by it too',
    body: z.strictObject({}),
    run: async ({ token: id }, _, actor) => {
      const now = context.clock.now();
      const token = [...context.tenants.directory.tokens()].find((one) => one.id === id);
      if (!token) throw new HeadgateError('not_found', { message: `There is no token \`${id!.slice(0, 128)}\`.` });
      const revoked = { ...token, revokedAt: token.revokedAt ?? now };
      await put(context, actor, 'token.revoke', revoked);
      return view(revoked, now);
    },
  }),
];

const put = (
  context: AdminContext,
  actor: { readonly actor: string },
  action: string,
  token: AdminToken,
): Promise<void> => {
  const { id, name, scope, tenant, expiresAt } = token;
  const detail = { name, scope, tenant, expiresAt };
  return commit(context, actor, { changes: [{ put: 'token', value: token }], action, subject: id, tenant, detail });
};

const view = (token: AdminToken, now: EpochMs) => {
  const { id, name, scope, tenant, createdAt, expiresAt, revokedAt } = token;
  return {
    ...{ id, name, scope, tenant, state: isLive(token, now) ? 'live' : revokedAt === null ? 'expired' : 'revoked' },
    ...{ createdAt: isoOrNull(createdAt), expiresAt: isoOrNull(expiresAt), revokedAt: isoOrNull(revokedAt) },
  };
};
