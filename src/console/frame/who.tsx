import { Time } from '../parts/basics.tsx';
import { iso, plain } from '../parts/text.ts';
import { scopeWords, useWho } from '../session/who.ts';

/** Who is logged in: name of the token, what it opens, its end. */
export function LoggedIn() {
  const { token, expiresAt } = useWho();
  const { id, name, expiresAt: tokenEnds } = token;
  const title = [
    id === null ? 'The token of the first start' : `Token ${id}`,
    tokenEnds === null ? 'which does not end by itself' : `which ends ${iso(tokenEnds)}`,
    `this login ends ${iso(expiresAt)}`,
  ].join('; ');
  return (
    <span class="who" title={title} role="group" aria-label="Logged in">
      <strong>
        <bdi>{plain(name)}</bdi>
      </strong>{' '}
      <span class="muted">
        {plain(scopeWords(token))}
        {tokenEnds !== null && (
          <>
            {' '}
            until <Time at={tokenEnds} />
          </>
        )}
      </span>
    </span>
  );
}
