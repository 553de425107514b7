import { createHash } from 'node:crypto';
import type { Frame } from '../answer.ts';
import { mp3File, wavFile } from '../media.ts';
import { countTokens, cutTokens } from '../tokens.ts';
import { LabError } from '../errors.ts';
import { type Json, required } from './reading.ts';

export interface SpeechAsk {
  readonly model: string;
  readonly input: string;
  readonly format: string;
  readonly sse: boolean;
  readonly seconds: number;
}

const CHARACTERS_A_SECOND = 15;
/** `gpt-4o-mini-tts` counts 20 tokens of sound a second. */
const SPEECH_TOKENS_A_SECOND = 20;

export function readSpeechAsk(body: Json): SpeechAsk {
  const input = String(required(body, 'input'));
  required(body, 'voice');
  return {
    model: String(required(body, 'model')),
    input,
    format: String(body['response_format'] ?? 'mp3'),
    sse: body['stream_format'] === 'sse',
    seconds: Math.max(0.1, [...input].length / CHARACTERS_A_SECOND),
  };
}

const TYPES: Readonly<Record<string, string>> = { mp3: 'audio/mpeg', wav: 'audio/wav', pcm: 'audio/pcm' };

/** Sound in a form that this lab can really make. */
export function speechFile({ format, seconds }: SpeechAsk): { readonly type: string; readonly bytes: Buffer } {
  const type = TYPES[format];
  if (!type) throw new LabError(400, `The lab speaks ${Object.keys(TYPES).join(', ')}, not '${format}'.`);
  if (format === 'mp3') return { type, bytes: mp3File(seconds) };
  return { type, bytes: format === 'wav' ? wavFile(seconds) : wavFile(seconds).subarray(44) };
}

export const speechUse = (ask: SpeechAsk): { readonly input: number; readonly output: number } => ({
  input: countTokens(ask.input),
  output: Math.ceil(ask.seconds * SPEECH_TOKENS_A_SECOND),
});

const SPEECH_PIECE_BYTES = 16 * 1024;

export function speechFrames(ask: SpeechAsk): Frame[] {
  const { bytes } = speechFile(ask);
  const { input, output } = speechUse(ask);
  const frames: Frame[] = [];
  for (let at = 0; at < bytes.length; at += SPEECH_PIECE_BYTES) {
    const audio = bytes.subarray(at, at + SPEECH_PIECE_BYTES).toString('base64');
    frames.push({ event: null, data: JSON.stringify({ type: 'speech.audio.delta', audio }) });
  }
  const usage = { input_tokens: input, output_tokens: output, total_tokens: input + output };
  return [...frames, { event: null, data: JSON.stringify({ type: 'speech.audio.done', usage }), terminal: true }];
}

export interface SoundAsk {
  readonly model: string;
  readonly format: string;
  readonly stream: boolean;
  readonly file: Buffer;
  readonly seconds: number;
}

/** Seconds of a WAV file by its own head; others are taken at 32 kbit/s. */
function secondsOf(file: Buffer): number {
  if (file.length > 44 && file.toString('latin1', 0, 4) === 'RIFF') return (file.length - 44) / file.readUInt32LE(28);
  return file.length / 4_000;
}

export function readSoundAsk(fields: Json, file: Buffer): SoundAsk {
  return {
    model: String(required(fields, 'model')),
    format: String(fields['response_format'] ?? 'json'),
    stream: fields['stream'] === 'true',
    file,
    seconds: secondsOf(file),
  };
}

/** What was heard: the length and digest of the file, so that a broken upload shows in the text. */
export const heard = ({ file }: SoundAsk): string =>
  `heard ${file.length} bytes with digest ${createHash('sha256').update(file).digest('hex')}`;

const stamp = (seconds: number, mark: string): string =>
  new Date(seconds * 1000).toISOString().slice(11, 23).replace('.', mark);

export interface SoundUse {
  readonly text: number;
  readonly audio: number;
  readonly output: number;
}

/** Tokens as `gpt-4o-transcribe` counts them; null: `whisper` is billed by the second. */
export const soundUse = (ask: SoundAsk): SoundUse | null =>
  ask.model.includes('whisper')
    ? null
    : { text: 0, audio: Math.ceil(ask.seconds * 10), output: countTokens(heard(ask)) };

export function soundUsage(ask: SoundAsk): object {
  const use = soundUse(ask);
  if (!use) return { type: 'duration', seconds: Math.ceil(ask.seconds) };
  const input = use.text + use.audio;
  return {
    type: 'tokens',
    input_tokens: input,
    input_token_details: { text_tokens: use.text, audio_tokens: use.audio },
    output_tokens: use.output,
    total_tokens: input + use.output,
  };
}

/** The answer in the form that was asked for: content type and text. */
export function transcription(
  ask: SoundAsk,
  task: string,
  usage: boolean,
): { readonly type: string; readonly text: string } {
  const text = heard(ask);
  const end = ask.seconds;
  if (ask.format === 'text') return { type: 'text/plain; charset=utf-8', text: `${text}\n` };
  if (ask.format === 'srt')
    return { type: 'text/plain; charset=utf-8', text: `1\n${stamp(0, ',')} --> ${stamp(end, ',')}\n${text}\n\n` };
  if (ask.format === 'vtt')
    return { type: 'text/vtt; charset=utf-8', text: `WEBVTT\n\n${stamp(0, '.')} --> ${stamp(end, '.')}\n${text}\n\n` };
  const counted = usage ? { usage: soundUsage(ask) } : {};
  const body =
    ask.format === 'verbose_json'
      ? { task, language: 'english', duration: ask.seconds, text, segments: [], ...counted }
      : { text, ...counted };
  return { type: 'application/json', text: JSON.stringify(body) };
}

export function transcriptFrames(ask: SoundAsk): Frame[] {
  const text = heard(ask);
  const frame = (event: object): Frame => ({ event: null, data: JSON.stringify(event) });
  const deltas = cutTokens(text).map((delta) => frame({ type: 'transcript.text.delta', delta }));
  const done = { ...frame({ type: 'transcript.text.done', text, usage: soundUsage(ask) }), terminal: true };
  // The real API writes this as well, behind its own last event.
  return [...deltas, done, { event: null, data: '[DONE]' }];
}
