/** What the gate serves for streams beside calls: the echo that the doctor measures against. */
export { EchoDoor, type EchoDoorParts, type IssuedTicket } from './echo/door.ts';
export { MOST_TICKETS, type TicketTerms, type TicketView } from './echo/tickets.ts';
