import { err, ok, type Result } from '#kernel/result.ts';
import type { FieldFault, PathFacts, PolicyView } from '../dialect.ts';
import { newFound, read, type Found } from '../google-generate/found.ts';
import { integerIn, nameOf } from '../google-generate/member.ts';
import { checkModel } from '../google-generate/policy.ts';
import { readContents } from '../google-generate/policy-contents.ts';
import { aString, anArray, anObject, wrongField, type Check } from '../json/checks.ts';
import { isObject, type JsonObject } from '../json/read.ts';
import type { StrictJson } from '../json/strict.ts';

const CONTENT = nameOf('content');
const REQUESTS = nameOf('requests');
const TASK = nameOf('taskType');
const SIZE = nameOf('outputDimensionality');

/** An `embedContent` body. */
export function policyOne(request: StrictJson, path?: PathFacts): Result<PolicyView, FieldFault> {
  const found = newFound();
  readOne(found, request.value, '', path);
  return found.fault ? err(found.fault) : ok(viewOf(found, 1, path));
}

/** A `batchEmbedContents` body: each request names the model of the path again. */
export function policyBatch(request: StrictJson, path?: PathFacts): Result<PolicyView, FieldFault> {
  const found = newFound();
  checkModel(found, request.value, path);
  const requests = read(found, request.value, REQUESTS, '', anArray) as readonly unknown[] | null;
  if (requests === null || requests.length === 0) {
    found.fault ??= wrongField('requests', 'an array of at least one request', request.value['requests']);
  }
  for (const [index, one] of (requests ?? []).entries()) {
    if (found.fault) break;
    const at = `requests[${index}]`;
    if (isObject(one)) readOne(found, one, `${at}.`, path);
    else found.fault = wrongField(at, 'an object', one);
  }
  return found.fault ? err(found.fault) : ok(viewOf(found, requests!.length, path));
}

const aSize: Check = (value) => ((integerIn(value) ?? 0) > 0 ? null : 'a positive integer');

function readOne(found: Found, one: JsonObject, prefix: string, path: PathFacts | undefined): void {
  checkModel(found, one, path, `${prefix}model`);
  read(found, one, TASK, prefix, aString);
  read(found, one, SIZE, prefix, aSize);
  const content = read(found, one, CONTENT, prefix, anObject);
  if (content === null) found.fault ??= wrongField(`${prefix}content`, 'an object with `parts`', one['content']);
  else readContents(found, content, `${prefix}content`);
}

const viewOf = (found: Found, inputs: number, path: PathFacts | undefined): PolicyView => ({
  model: path?.model ?? '',
  stream: false,
  includeUsage: true,
  maxOutputTokens: null,
  n: 1,
  serviceTier: null,
  store: null,
  background: false,
  cacheSalt: false,
  hostedTools: [],
  endUser: null,
  sessionHint: null,
  keptIds: found.kept,
  media: { images: found.images, audios: found.audios, files: found.files },
  inputs,
});
