import { createHash } from 'node:crypto';

/** Under which a ticket's secret is kept. The secret itself is not, and a lookup by digest tells nothing by its time. */
export const ticketDigest = (secret: string): string => createHash('sha256').update(secret).digest('base64url');
