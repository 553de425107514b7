import { isObject, listOf, textOf, type JsonObject } from '#wire/json/read.ts';

/** The objects of a list; whatever else stands in it is left out. */
export const objectsOf = (value: unknown): readonly JsonObject[] => listOf(value).filter(isObject);
/** `type` of an item, part or tool, or '' where it has none. */
export const typeOf = (value: JsonObject): string => textOf(value['type']) ?? '';
