import type { Duplex } from 'node:stream';

/** Whoever was refused may read the answer for so long, in milliseconds: a reset at once could take it from them. */
export const LINGER_MS = 5_000;

/**
 * The last answer on a connection that is nobody's any more. Servers of HTTP/1 let their sockets be half open, and one
 * that was upgraded is in none of their lists: a peer that never closes its half would hold it, and the end of the gate,
 * for as long as it likes.
 */
export function lastWords(socket: Duplex, answer: string): void {
  socket.on('error', () => socket.destroy());
  socket.end(answer);
  // What it sends is read and dropped, or its end would never be seen.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
  socket.once('close', () => clearTimeout(timer));
}
