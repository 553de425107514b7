import { z } from 'zod';
import { parseDuration } from '#kernel/config/quantities.ts';
import { HeadgateError } from '#kernel/errors.ts';
import { timeOrderedId } from '#kernel/ids.ts';
import { MOST_TICKETS, type EchoDoor, type TicketView } from '#capabilities/streams/routes.ts';
import { route, type AdminRoute } from '#capabilities/tenants/routes.ts';
import type { Gate } from '../gate.ts';
import { noted } from './noted.ts';

export interface EchoParts {
  readonly gate: Gate;
  readonly echo: EchoDoor;
}

const LONGEST_MS = 3_600_000;
const MIB = 1024 * 1024;

const body = z.strictObject({
  for: z
    .string()
    .default('10m')
    .transform((text, context): number => {
      const ms = parseDuration(text);
      if (ms !== null && ms > 0 && ms <= LONGEST_MS) return ms;
      context.addIssue({ code: 'custom', message: 'is a duration such as 10m, at most 1h' });
      return z.NEVER;
    })
    .describe('How long it is valid, at most 1h; streams that are open then are cut.'),
  maxBytes: z
    .int()
    .min(1024)
    .max(256 * MIB)
    .default(16 * MIB)
    .describe('Bytes of bodies in both directions.'),
  maxOpen: z.int().min(1).max(512).default(128).describe('Streams open at once.'),
});

/** Tickets for the echo that `headgate streams doctor` measures against. They live in this process alone. */
export const echoTicketRoutes = (parts: EchoParts): AdminRoute[] => [
  route('POST /admin/streams/echo-tickets', {
    tag: 'streams',
    summary: 'Open the echo at /v1/headgate/echo for whoever holds this ticket; the ticket is shown once',
    status: 201,
    body,
    run: async (_, { for: ttlMs, maxBytes, maxOpen }, { actor }) => {
      const { gate, echo } = parts;
      const id = timeOrderedId('echo_', gate.clock.now(), gate.rng);
      if (echo.list().length >= MOST_TICKETS) throw tooMany();
      const detail = { forMs: ttlMs, maxBytes, maxOpen };
      await noted(gate, { actor, action: 'echo_ticket.create', subject: id, detail });
      const issued = await echo.issue(id, { ttlMs, maxBytes, maxOpen });
      if (issued === null) throw tooMany();
      return { ...viewOf(issued), ticket: issued.ticket };
    },
  }),
  route('GET /admin/streams/echo-tickets', {
    tag: 'streams',
    summary: 'Tickets of this process that are valid now, without their text',
    run: async () => ({ tickets: parts.echo.list().map(viewOf) }),
  }),
  route('DELETE /admin/streams/echo-tickets/:ticket', {
    tag: 'streams',
    summary: 'Close a ticket before it expires, and cut its streams',
    run: async ({ ticket }, _, { actor }) => {
      const id = ticket!;
      const { gate, echo } = parts;
      if (!echo.list().some((one) => one.id === id))
        throw new HeadgateError('not_found', { message: `There is no open ticket \`${id.slice(0, 128)}\`.` });
      await noted(gate, { actor, action: 'echo_ticket.close', subject: id, detail: {} });
      return viewOf(echo.close(id)!);
    },
  }),
];

const tooMany = (): HeadgateError =>
  new HeadgateError('conflict', { message: `${MOST_TICKETS} tickets are open already: close one first.` });

const viewOf = ({ id, expiresAt, ttlMs, maxBytes, maxOpen, bytes, open }: TicketView) => ({
  id,
  expiresAt: new Date(expiresAt).toISOString(),
  ...{ forMs: ttlMs, maxBytes, maxOpen, bytes, open },
});
