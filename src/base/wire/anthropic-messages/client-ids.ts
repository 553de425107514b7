import { isObject, textOf } from '../json/read.ts';
import { parsed } from './parsed.ts';

export interface ClientIds {
  readonly endUser: string | null;
  readonly session: string | null;
}

/** Claude Code up to 2.0: `user_<hash>_account_<uuid or empty>_session_<uuid>`. */
const CLAUDE_CODE = /^(user_.+)_session_([0-9A-Za-z-]{8,64})$/;

/**
 * Reads `metadata.user_id`. Coding agents put a session into it, in a joined text or (later versions) in a JSON
 * text with `device_id`, `account_uuid` and `session_id`; the end user is then what stays the same across sessions.
 */
export function clientIds(userId: string | null): ClientIds {
  if (!userId) return { endUser: null, session: null };
  const joined = CLAUDE_CODE.exec(userId);
  if (joined) return { endUser: joined[1]!, session: joined[2]! };
  const value = userId.startsWith('{') ? parsed(userId) : undefined;
  if (!isObject(value)) return { endUser: userId, session: null };
  return {
    endUser: textOf(value['account_uuid']) || textOf(value['device_id']) || userId,
    session: textOf(value['session_id']) || null,
  };
}
