/** Where somebody is on the console, whole in the address, so that a link shows a colleague the same. Pure. */

export const PRESETS = { '1h': 3_600_000, '24h': 86_400_000, '7d': 7 * 86_400_000, '30d': 30 * 86_400_000 } as const;
export type Preset = keyof typeof PRESETS;

export interface Place {
  /** Path below /console/: `calls`, `calls/call_…`; '' is the overview. */
  readonly path: string;
  /** A span that ends now, or one between two times. */
  readonly window: Preset | { readonly from: number; readonly to: number };
  readonly paused: boolean;
  /** Filters and what else a page keeps: tenant, environment, outcome, by, q … */
  readonly asked: Readonly<Record<string, string>>;
}

const BASE = '/console/';
export const START: Place = { path: '', window: '24h', paused: false, asked: {} };

export function placeOf(address: string): Place {
  const url = new URL(address, 'http://console');
  const { window = '24h', from, to, live, ...asked } = Object.fromEntries(url.searchParams);
  const path = url.pathname.startsWith(BASE) ? url.pathname.slice(BASE.length) : '';
  return { path: path.replace(/\/+$/, ''), window: windowOf(window, from, to), paused: live === 'off', asked };
}

function windowOf(window: string, from: string | undefined, to: string | undefined): Place['window'] {
  const [start, end] = [Date.parse(from ?? ''), Date.parse(to ?? '')];
  if (start < end) return { from: start, to: end };
  return window in PRESETS ? (window as Preset) : '24h';
}

export function addressOf({ path, window, paused, asked }: Place): string {
  const iso = (at: number): string => new Date(at).toISOString();
  const span =
    typeof window === 'string'
      ? window === '24h'
        ? []
        : [['window', window]]
      : [
          ['from', iso(window.from)],
          ['to', iso(window.to)],
        ];
  const own = Object.entries(asked).filter(([, value]) => value !== '');
  const query = new URLSearchParams([...span, ...(paused ? [['live', 'off']] : []), ...own] as string[][]).toString();
  return `${BASE}${path}${query === '' ? '' : `?${query}`}`;
}

export interface Span {
  readonly from: number;
  readonly to: number;
}

export const spanOf = (window: Place['window'], now: number): Span =>
  typeof window === 'string' ? { from: now - PRESETS[window], to: now } : window;

/** Filters that mean the same on every page and go along from one to the next. */
const COMMON = ['tenant', 'environment'];

/** Another page, with the window and what is common to all pages. */
export function toPage(place: Place, path: string, asked: Readonly<Record<string, string>> = {}): Place {
  const common = Object.fromEntries(Object.entries(place.asked).filter(([name]) => COMMON.includes(name)));
  return { ...place, path, asked: { ...common, ...asked } };
}

/** Names of an object's own path: an id may hold a slash, and one of dots alone would be another folder's. */
export const pathOf = (...parts: readonly string[]): string =>
  parts.map((part) => encodeURIComponent(/^~*\.+$/.test(part) ? `~${part}` : part)).join('/');
export const partsOf = (path: string): string[] =>
  path.split('/').map((part) => decodedPart(part).replace(/^~(~*\.+)$/, '$1'));

function decodedPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** Width of the bars of a window: at most 200 of them. */
export function bucketOf({ from, to }: Span): 'minute' | 'hour' | 'day' {
  const length = to - from;
  if (length <= 3 * 3_600_000) return 'minute';
  return length <= 8 * 86_400_000 ? 'hour' : 'day';
}
