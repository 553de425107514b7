import { HeadgateError } from '#kernel/errors.ts';
import { parseStrict, type StrictJson } from '#wire/json/strict.ts';
import { readBody } from '../body.ts';
import { faultError } from '../decode.ts';
import { findModel } from '../find-model.ts';
import type { Gate } from '../gate.ts';
import { refuseUnderLayers } from '../layered/stored.ts';
import { NO_HINTS } from './attribution.ts';
import type { BatchLines } from './batch-plan.ts';
import { sendCreation } from './batches.ts';
import type { StoredExchange } from './exchange.ts';
import { basePath } from './holder.ts';

/** A creation names a file and a window. */
const BODY_BYTES = 1024 * 1024;

/** `POST /v1/batches`: the file's lines were checked when it came; its money is held before the provider hears of it. */
export async function createOpenaiBatch(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { request, caller, config } = exchange;
  const { bodyTimeout } = config.file.limits;
  const parsed = parseStrict(await readBody(request, { bodyBytes: BODY_BYTES, bodyTimeout }));
  if (!parsed.ok) throw faultError(parsed.error);
  const body = parsed.value;
  const attribution = gate.tenants.attribute(caller, request.headers, NO_HINTS);
  if (!attribution.ok) throw attribution.error;
  refuseUnderLayers(gate, caller, attribution.value.feature);
  const { id, lines } = await inputOf(gate, exchange, body);
  const provider = config.providers.get(lines.provider);
  const path = provider && basePath(provider, exchange);
  if (!provider || !path)
    throw new HeadgateError('not_found', {
      field: 'input_file_id',
      message: 'The provider of this file runs no batches here.',
    });
  const admitted = await gate.stored.batches.admit(exchange, lines, attribution.value, id);
  await sendCreation(gate, exchange, admitted, { provider, path, body: body.bytes });
}

/** The input file's lines, if the file is the caller's own, fits the batch, and the key may still call its models. */
async function inputOf(gate: Gate, exchange: StoredExchange, { value }: StrictJson) {
  const { caller, config } = exchange;
  const id = value['input_file_id'];
  if (typeof id !== 'string') throw wrong('input_file_id', '`input_file_id` must be the id of a file.');
  const kept = await gate.tenants.checkKeptIds(caller, [{ kind: 'file', id, field: 'input_file_id' }]);
  if (!kept.ok) throw kept.error;
  const facts = (await gate.stored.things.get(caller.tenant.id, 'file', id))?.facts;
  const lines = facts ? (JSON.parse(facts) as Partial<BatchLines>) : {};
  if (!isLines(lines)) throw wrong('input_file_id', 'The file was not uploaded for a batch (`purpose: batch`).');
  if (value['endpoint'] !== lines.url)
    throw wrong('endpoint', `\`endpoint\` must be ${lines.url}, which the lines of the file name.`);
  for (const { model } of lines.models) findModel(gate, config, caller, model);
  return { id, lines };
}

const isLines = (facts: Partial<BatchLines>): facts is BatchLines => typeof facts.lines === 'string';

const wrong = (field: string, message: string): HeadgateError =>
  new HeadgateError('invalid_request', { field, message });
