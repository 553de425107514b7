import type { ErrorCode } from '#kernel/errors.ts';

/** What there is to say of a code beyond its hint: how it comes about, and where to look. */
export const SOLVING: Readonly<Partial<Record<ErrorCode, string>>> = {
  invalid_json:
    'The body is read strictly: no comments, no trailing commas, no second value after the first, no invalid UTF-8.',
  invalid_request:
    '`error.param` has the path of the field, as you wrote it. In the admin API an unknown field is an error too, and the message names the nearest that exists.',
  duplicate_field:
    'JSON readers disagree on which of two equal names counts, so that what a policy reads would not be what the provider reads. Build the body from one object instead of joining texts.',
  unsupported_field:
    'It happens where the model is served in another dialect than the one you call. [Crossing](crossing.md) has the fate of each field. `onUnsupported: drop` on the deployment or the feature leaves such fields out and lists them in `x-headgate-dropped`.',
  policy_refused:
    '`n` is at most 8, `cache_salt` is never taken from a caller, `background` needs a provider that keeps responses and `store`, and a file that names no model needs one provider to go to. [Batches](../guides/batches.md) has the last two.',
  header_not_allowed:
    'What a key may name is its property: `rights` of the key in [the admin API](api.md). The message names the header.',
  bad_encoding: 'A body that is not what `content-encoding` says ends here as well.',
  body_too_large: 'The limit holds for the decoded bytes: a small compressed body that unpacks to more is refused too.',
  invalid_api_key: 'The admin token opens `/admin` and `/metrics` only. `GET /v1/headgate/me` shows what a key is.',
  key_expired: 'A key that was rotated keeps its id; only the text changes, and the old one ends after the overlap.',
  credentials_conflict:
    'Several SDKs take a key from the environment and a second one from your code: set one of them to nothing.',
  admin_unauthorized:
    'It lies in `admin.token` in the data folder unless `admin.token` in headgate.yaml names another place. A tenant’s key never opens it.',
  budget_exceeded:
    'The message says which budget, its limit, what is used and reserved, when it resets and whom to ask. Part of the limit may be held for calls in flight. `POST /admin/budgets/{budget}/raise` adds money until a time.',
  budget_window: 'SDKs wait by themselves: the window resets within the 60 s that they obey.',
  rate_limited:
    'The message says which [limit](../guides/limits.md), its figure, what is used and reserved, and when there is room. Bounds of the gate itself (sockets, tickets, logins) use the code as well, and say so.',
  limit_exceeded:
    'A day’s [limit](../guides/limits.md) is used up, or the call alone takes more tokens than the whole limit: `asked` of `error.headgate` says how many. What is reserved for the answer is `max_tokens` or, where that is absent, what answers usually take: a smaller `max_tokens` makes the call smaller. `retry-after` is there where a time is known; SDKs do not wait so long.',
  price_unknown:
    'A call that cannot be priced would pass a hard budget unseen. `unknownPriceUsd` on the budget is the other way: such a call then reserves that much.',
  not_found: 'An id that belongs to another tenant reads the same as one that does not exist.',
  model_not_found:
    'The message names the nearest models that this key may call. A model that exists and is not on the key’s list reads the same as one that does not exist.',
  declared_in_file:
    'The message names the file and the key path. See [state in git](../guides/state-in-git.md). What is taken out of the file is the API’s again.',
  upgrade_required: 'Clients that try a WebSocket first (Codex) fall back at once.',
  overloaded: 'It comes from `limits.inFlight`, or from more than 64 large bodies that wait to be decoded.',
  client_closed: 'Seen in the ledger only. The entry says what was paid for the part that came.',
  internal: 'The log of the gate has the cause under the call id; the answer never has it.',
  provider_credential:
    'A provider without a key of its own asks its platform’s chain: the role of the instance or the container, a workload identity, a key file. `GET /admin/providers` and the console say what that chain answered last, and until when the credential at hand is good; the log has the same as *no credential for a provider*. A good credential goes on being used while its refresh fails, and nothing has to be restarted once the chain works again.',
  provider_error: 'The provider could not be reached, or closed the connection before it answered.',
  stream_truncated:
    'The stream ends with an error in your dialect and then the connection breaks, because some SDKs take a clean end for success. What came is in the ledger.',
  draining: 'The gate got SIGTERM: streams finish up to `drain.limit`, nothing new begins.',
  store_unavailable:
    'Calls of known keys go on without the store. Changes through the admin API need it. See [disk full, store away](../operate/disk-full-and-store-away.md).',
  ledger_unavailable:
    'With `ledger.onDiskFull: continue`, the default, calls go on. See [disk full, store away](../operate/disk-full-and-store-away.md).',
  provider_timeout:
    'The message names the timer: connect, first byte, idle or total. `providers.<name>.timers` in headgate.yaml sets them; `x-stainless-timeout` of an SDK shortens them.',
};
