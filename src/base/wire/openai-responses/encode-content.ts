import type { CacheMark, Media, Part } from '#wire/canonical.ts';
import type { Unsupported } from '#wire/dialect.ts';

/** Collects what could not be said, once a field: an agent's history repeats itself a thousand times. */
export interface Losses {
  readonly list: Unsupported[];
  readonly add: (field: string, of: Unsupported['class']) => void;
}

export function losses(): Losses {
  const list: Unsupported[] = [];
  const add = (field: string, of: Unsupported['class']): void => {
    if (!list.some((loss) => loss.field === field && loss.class === of)) list.push({ field, class: of });
  };
  return { list, add };
}

/** Content parts of a user, system or developer message, and of a tool's output. */
export function inputPart(part: Part, lost: Losses): object | null {
  switch (part.type) {
    case 'text':
      return { type: 'input_text', text: part.text, ...breakpoint(part.cache, lost) };
    case 'image':
      return {
        type: 'input_image',
        ...imageSource(part.media),
        detail: part.detail ?? 'auto',
        ...breakpoint(part.cache, lost),
      };
    case 'document':
      if (part.citations) lost.add('document.citations', 'hint');
      return {
        type: 'input_file',
        ...fileSource(part.media),
        ...(part.name !== undefined && { filename: part.name }),
        ...breakpoint(part.cache, lost),
      };
    case 'audio':
      return { type: 'input_audio', input_audio: { data: part.data, format: part.format } };
    default:
      lost.add(part.type === 'refusal' ? 'refusal' : `content.${part.type}`, 'meaning');
      return null;
  }
}

/** Lives that the API knows (openai 7.57.0). A mark of another API would be a 400 on models before gpt-5.6. */
const TTLS: ReadonlySet<string | null> = new Set(['30m', '12h']);

function breakpoint(mark: CacheMark | undefined, lost: Losses): object {
  if (!mark) return {};
  if (TTLS.has(mark.ttl)) return { prompt_cache_breakpoint: { mode: 'explicit', ttl: mark.ttl } };
  lost.add('cache_control', 'hint');
  return {};
}

const dataUrl = (mediaType: string, data: string): string => `data:${mediaType};base64,${data}`;
const plainUrl = (text: string): string => dataUrl('text/plain', Buffer.from(text, 'utf8').toString('base64'));

function imageSource(media: Media): object {
  if (media.at === 'file') return { file_id: media.fileId };
  if (media.at === 'url') return { image_url: media.url };
  return { image_url: media.at === 'data' ? dataUrl(media.mediaType, media.data) : plainUrl(media.text) };
}

function fileSource(media: Media): object {
  if (media.at === 'file') return { file_id: media.fileId };
  if (media.at === 'url') return { file_url: media.url };
  return { file_data: media.at === 'data' ? dataUrl(media.mediaType, media.data) : plainUrl(media.text) };
}
