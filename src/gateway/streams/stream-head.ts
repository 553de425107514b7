/** Of a stream: no hop is to keep it, or to hold it back. */
const UNHELD = { 'cache-control': 'no-cache', 'x-accel-buffering': 'no' } as const;

/** The same as a flat list of names and values. */
export const UNHELD_HEAD: readonly string[] = Object.entries(UNHELD).flat();

/** Head of server-sent events of ours. */
export const STREAM_HEAD = { 'content-type': 'text/event-stream; charset=utf-8', ...UNHELD } as const;
