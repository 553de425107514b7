/** The forms of events as their takers ask for them, read strictly. A text is what is wrong. */
import type { IncomingHttpHeaders } from 'node:http';

/** One event, whatever its form. */
export interface Metered {
  readonly id: string;
  readonly subject: string;
  readonly code: string;
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly properties: Readonly<Record<string, unknown>>;
  /** The event as it came. */
  readonly text: string;
}

type Json = Readonly<Record<string, unknown>>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
/** RFC 3339. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const ATTRIBUTE = /^[a-z0-9]+$/;

function each(events: unknown, read: (event: Json) => Metered | string): Metered[] | string {
  if (!Array.isArray(events) || events.length === 0) return 'no list of events';
  const all: Metered[] = [];
  for (const event of events) {
    const one = isObject(event) ? read(event) : 'an event is no object';
    if (typeof one === 'string') return one;
    all.push(one);
  }
  return all;
}

/** A batch of CloudEvents 1.0 in JSON; meters of OpenMeter take flat data alone. */
export function judgeCloudEvents(headers: IncomingHttpHeaders, text: string): Metered[] | string {
  if (headers['content-type'] !== 'application/cloudevents-batch+json')
    return `content-type ${headers['content-type']}`;
  return each(JSON.parse(text), (event) => {
    const { specversion, id, source, type, subject, time, datacontenttype, data } = event;
    if (specversion !== '1.0') return 'specversion';
    if (![id, source, type, subject].every(isText)) return 'id, source, type or subject is no text';
    if (!URL.canParse(source as string, 'http://base')) return 'source is no URI reference';
    if (!isText(time) || !TIME.test(time)) return 'time';
    if (datacontenttype !== 'application/json' || !isObject(data)) return 'data';
    if (Object.keys(event).some((name) => !ATTRIBUTE.test(name))) return 'an attribute has no name of CloudEvents';
    if (Object.values(data).some((value) => typeof value === 'object' && value !== null)) return 'data is nested';
    return {
      ...{ id: id as string, subject: subject as string, code: type as string },
      ...{ at: Date.parse(time), properties: data, text: JSON.stringify(event) },
    };
  });
}

const MOST_LAGO = 100;

export function judgeLago(headers: IncomingHttpHeaders, text: string): Metered[] | string {
  if (headers['content-type'] !== 'application/json') return `content-type ${headers['content-type']}`;
  const { events } = JSON.parse(text) as Json;
  if (Array.isArray(events) && events.length > MOST_LAGO) return 'too_many_events';
  return each(events, (event) => {
    const { transaction_id: id, external_subscription_id: subject, code, timestamp, properties } = event;
    if (![id, subject, code].every(isText)) return 'transaction_id, external_subscription_id or code is no text';
    if (typeof timestamp !== 'number' || !Number.isInteger(timestamp)) return 'timestamp';
    if (!isObject(properties)) return 'properties';
    return {
      ...{ id: id as string, subject: subject as string, code: code as string },
      ...{ at: timestamp * 1000, properties, text: JSON.stringify(event) },
    };
  });
}

export function judgeWebhook(headers: IncomingHttpHeaders, text: string): Metered[] | string {
  if (!isText(headers['webhook-id']) || !/^\d+$/.test(String(headers['webhook-timestamp']))) return 'webhook headers';
  const { type, timestamp, data } = JSON.parse(text) as Json;
  if (!isText(type) || !isText(timestamp) || !isObject(data)) return 'type, timestamp or data';
  return each(data['entries'], (event) => {
    const { id, tenant, at } = event;
    if (![id, tenant, at].every(isText)) return 'id, tenant or at is no text';
    return {
      ...{ id: id as string, subject: tenant as string, code: type },
      ...{ at: Date.parse(at as string), properties: event, text: JSON.stringify(event) },
    };
  });
}
