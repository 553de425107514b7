import type { JsonObject } from '#wire/json/read.ts';
import { isObject, objectOf, textOf } from '#wire/json/read.ts';

/** What a part of a UI message is to a model. */
export type PartKind = 'text' | 'reasoning' | 'file' | 'tool' | 'step' | 'shown' | 'unknown';

/** States of a tool part in the order of its life (`ai` 7.0.173, `ui/ui-messages.ts`). */
export const TOOL_STATES: ReadonlySet<string> = new Set([
  'input-streaming',
  'input-available',
  'approval-requested',
  'approval-responded',
  'output-available',
  'output-error',
  'output-denied',
]);

/** Parts that the SDK itself keeps from the model (`convertToModelMessages`): sources, and an application's own data. */
const isShown = (type: string): boolean => type.startsWith('source-') || type.startsWith('data-');

export function kindOf(part: JsonObject): PartKind {
  const type = textOf(part['type']) ?? '';
  if (type === 'text' || type === 'reasoning' || type === 'file') return type;
  if (type === 'step-start') return 'step';
  if (type === 'dynamic-tool' || type.startsWith('tool-')) return 'tool';
  return isShown(type) ? 'shown' : 'unknown';
}

export const toolNameOf = (part: JsonObject): string =>
  part['type'] === 'dynamic-tool' ? (textOf(part['toolName']) ?? '') : (part['type'] as string).slice('tool-'.length);

export type FileKind = 'image' | 'audio' | 'document';

/** A top-level type (`image`) or a wildcard (`image/*`) is as good as a whole one. */
export function fileKind(mediaType: string): FileKind {
  const top = mediaType.split('/')[0]!;
  return top === 'image' || top === 'audio' ? top : 'document';
}

/** A request for approval that a later message of the user has passed by; the SDK leaves its call out as well. */
export const isPassedBy = (part: JsonObject, at: number, lastUser: number): boolean =>
  part['state'] === 'approval-requested' && at < lastUser;

/** Place of the last message of the user; -1: there is none. */
export const lastUserOf = (messages: readonly unknown[]): number =>
  messages.findLastIndex((message) => isObject(message) && message['role'] === 'user');

/** The word of the user on a call that asked for approval; null: none yet. */
export function approvalOf(part: JsonObject): { readonly approved: boolean; readonly reason: string | null } | null {
  const approval = objectOf(part['approval']);
  const approved = approval['approved'];
  return typeof approved === 'boolean' ? { approved, reason: textOf(approval['reason']) } : null;
}
