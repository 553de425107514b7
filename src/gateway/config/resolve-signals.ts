import { didYouMean } from '#kernel/config/diagnostics.ts';
import type { Reference } from '#kernel/config/primitives.ts';
import type { Feed } from '#ports/feeds.ts';
import { urlFault } from '#telemetry/address.ts';
import { alertFaults, type Webhook } from '#capabilities/alerts/config.ts';
import type { ConfigFile } from './schema.ts';

/** Secrets of the telemetry's collector, of the alerts' webhooks and of feeds, read. */
export interface ResolvedSignals {
  readonly otlpHeaders: Readonly<Record<string, string>>;
  readonly webhooks: ReadonlyMap<string, Webhook>;
  readonly feeds: readonly Feed[];
}

export interface SignalProblem {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint: string | null;
}

type Read = (reference: Reference) => string;
type Path = readonly (string | number)[];

/** Reads the references of both sections; what leads nowhere is a problem at its path. */
export function resolveSignals(
  file: ConfigFile,
  readSecret: Read,
): { readonly signals: ResolvedSignals; readonly problems: readonly SignalProblem[] } {
  const problems: SignalProblem[] = [];
  const read = (path: Path, reference: Reference): string | null => {
    try {
      return readSecret(reference);
    } catch (error) {
      problems.push({ path, message: (error as Error).message, hint: null });
      return null;
    }
  };
  const headersOf = (path: Path, headers: Readonly<Record<string, Reference>>): Record<string, string> =>
    Object.fromEntries(
      Object.entries(headers).map(([name, reference]) => [name.toLowerCase(), read([...path, name], reference) ?? '']),
    );
  const urlOf = (path: Path, url: string | Reference): string => {
    if (typeof url === 'string') return url;
    const text = read(path, url);
    const why = text === null ? null : urlFault(text);
    if (why) problems.push({ path, message: `what the reference names ${why}`, hint: null });
    return text ?? '';
  };
  const webhooks = Object.entries(file.alerts.webhooks).map(([name, settings]): [string, Webhook] => {
    const path = ['alerts', 'webhooks', name];
    const url = urlOf([...path, 'url'], settings.url);
    const { format, minSeverity, timeout: timeoutMs, private: allowPrivate } = settings;
    const secret = settings.secret ? read([...path, 'secret'], settings.secret) : null;
    const headers = headersOf([...path, 'headers'], settings.headers);
    return [name, { name, url, secret, format, headers, allowPrivate, minSeverity, timeoutMs }];
  });
  const feeds = Object.entries(file.feeds).map(([name, settings]): Feed => {
    const path = ['feeds', name];
    const { kind, code, batch, private: allowPrivate, timeout: timeoutMs, tenants = null } = settings;
    const secret = settings.secret ? read([...path, 'secret'], settings.secret) : null;
    const headers = headersOf([...path, 'headers'], settings.headers);
    const url = urlOf([...path, 'url'], settings.url);
    return { name, kind, url, secret, headers, tenants, code, batch, allowPrivate, timeoutMs };
  });
  const otlpHeaders = headersOf(['telemetry', 'otlp', 'headers'], file.telemetry.otlp?.headers ?? {});
  const known = { features: Object.keys(file.features), providers: Object.keys(file.providers) };
  for (const { path, message, near } of alertFaults(file.alerts, known)) {
    const wrong = /`([^`]+)`/.exec(message)?.[1] ?? '';
    problems.push({ path, message, hint: didYouMean(wrong, near) });
  }
  return { signals: { otlpHeaders, webhooks: new Map(webhooks), feeds }, problems };
}
