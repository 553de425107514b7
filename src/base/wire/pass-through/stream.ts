import type { EventView, StreamReader } from '#wire/dialect.ts';
import { isUnset, textOf, type JsonObject } from '#wire/json/read.ts';
import { DONE, parseChunk, TERMINAL } from '#wire/openai-chat/chunk-view.ts';
import { NOTHING } from '#wire/nothing.ts';
import { readFault } from '#wire/openai-chat/faults.ts';
import { typeOf } from './usage.ts';

/** What a typed event means; `null`: nothing that is metered. */
export type EventMeaning = (type: string, event: JsonObject) => Partial<EventView> | null;

/** Reads streams of typed events (`{type: "transcript.text.delta", …}`) as OpenAI sends them beside chat. */
export function typedReader(meaning: EventMeaning): StreamReader {
  return {
    read: ({ data, name }) => {
      if (data === null) return NOTHING;
      if (data.trim() === DONE) return TERMINAL;
      const event = parseChunk(data);
      if (!event) return name === 'error' ? { ...NOTHING, fault: readFault(null, data) } : NOTHING;
      if (!isUnset(event['error']) || name === 'error' || typeOf(event) === 'error')
        return { ...NOTHING, fault: readFault(null, event) };
      const found = meaning(typeOf(event), event);
      return found ? { ...NOTHING, modelReturned: textOf(event['model']), ...found } : NOTHING;
    },
  };
}
