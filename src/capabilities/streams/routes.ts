/** What the gate serves for streams beside calls: the echo that the doctor measures against, and their report. */
export { GRPC_ECHO_PATH } from './echo/core/params.ts';
export { EchoDoor, type EchoDoorParts, type IssuedTicket } from './echo/door.ts';
export type { Advice } from './report/advice.ts';
export { streamsReport, WASTE, type StreamFigures, type StreamLine, type StreamsReport } from './report/report.ts';
export { MOST_TICKETS, type TicketTerms, type TicketView } from './echo/tickets.ts';
