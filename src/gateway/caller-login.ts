import { HeadgateError } from '#kernel/errors.ts';
import type { Deployment } from '#capabilities/failover/index.ts';
import type { Exchange } from './call.ts';

/** Which deployments serve a call, and with whose login. */
export interface Served {
  readonly order: readonly Deployment[];
  /** The caller's own `authorization`, for the one deployment of `order`. Never stored, logged or sent elsewhere. */
  readonly login: string | null;
}

/** Longer than any login seen: a ChatGPT token has about 2,000 characters. */
const LONGEST_LOGIN = 8_192;

/**
 * A caller with a subscription sends two credentials: ours in `x-headgate-key`, its own login in `authorization`
 * (clients.md 10). Where the operator lets the first deployment take it, that one serves the call, and no fallback:
 * the login is for it alone. Deployments that live from logins serve nobody who brings none.
 */
export function servedBy({ request }: Exchange, order: readonly Deployment[]): Served {
  if (!order.some(({ provider }) => provider.subscription)) return { order, login: null };
  const [first] = order;
  const login = loginIn(request.headers);
  if (login !== null && first!.provider.subscription) return { order: [first!], login };
  const own = order.filter(({ provider }) => !needsLogin(provider));
  if (own.length > 0) return { order: own, login: null };
  throw new HeadgateError('invalid_api_key', {
    message:
      'This model is served with the caller’s own subscription alone: send its login in `authorization`, and the key of this gate in `x-headgate-key`.',
  });
}

const needsLogin = ({ subscription, apiKey, data }: Deployment['provider']): boolean =>
  subscription && apiKey === null && data.auth.required;

function loginIn(headers: Exchange['request']['headers']): string | null {
  const login = headers.authorization;
  if (headers['x-headgate-key'] === undefined || login === undefined) return null;
  return /^bearer +[\x21-\x7e]+$/i.test(login) && login.length <= LONGEST_LOGIN ? login : null;
}
