import { join } from 'node:path';
import { Readable } from 'node:stream';
import { HeadgateError } from '#kernel/errors.ts';
import { decodedBody } from '../body.ts';
import type { Gate } from '../gate.ts';
import { refuseUnderLayers } from '../layered/stored.ts';
import { NO_HINTS } from './attribution.ts';
import { BatchIntake, MESSAGES_LINE } from './batch-intake.ts';
import type { BatchLines } from './batch-plan.ts';
import { sendCreation } from './batches.ts';
import type { StoredExchange } from './exchange.ts';
import { Gathered } from './gathered.ts';
import { basePath } from './holder.ts';
import { piecesOf } from './incoming.ts';
import { Turn } from './jsonl.ts';
import { RequestsReader } from './requests-reader.ts';
import { UploadFile } from './upload-file.ts';

/** `POST /v1/messages/batches`: each request checked as it comes, the whole in a file, its money held, then sent. */
export async function createMessageBatch(gate: Gate, exchange: StoredExchange): Promise<void> {
  const { request, caller, config } = exchange;
  const attribution = gate.tenants.attribute(caller, request.headers, NO_HINTS);
  if (!attribution.ok) throw attribution.error;
  refuseUnderLayers(gate, caller, attribution.value.feature);
  const file = await UploadFile.make(join(config.file.dataDir, 'uploads'));
  try {
    const lines = await intake(gate, exchange, file, attribution.value.feature);
    const provider = config.providers.get(lines.provider)!;
    const path = basePath(provider, exchange)!;
    const admitted = await gate.stored.batches.admit(exchange, lines, attribution.value, null);
    const body = Readable.from(file.read(), { objectMode: false });
    await sendCreation(gate, exchange, admitted, { provider, path, body });
  } finally {
    await file.close();
  }
}

const BEGIN = Buffer.from('{"requests":[');
const BETWEEN = Buffer.from(',');
const END = Buffer.from(']}');
const NOTHING = Buffer.alloc(0);

async function intake(
  gate: Gate,
  exchange: StoredExchange,
  file: UploadFile,
  feature: string | null,
): Promise<BatchLines> {
  const { maxBytes, uploadTimeout } = exchange.config.file.files;
  const checked = new BatchIntake(gate, exchange, MESSAGES_LINE, feature);
  const reader = new RequestsReader(exchange.config.file.limits.bodyBytes);
  const out = new Gathered(file);
  const turn = new Turn(() => gate.clock.mono());
  let [n, bytes] = [0, 0];
  await out.add(BEGIN, NOTHING);
  for await (const piece of piecesOf(decodedBody(exchange.request), uploadTimeout)) {
    bytes += piece.length;
    if (bytes > maxBytes)
      throw new HeadgateError('body_too_large', {
        message: `The body is larger than ${maxBytes} bytes (\`files.maxBytes\`).`,
      });
    for (const item of reader.push(piece)) {
      if (n++ > 0) await out.add(BETWEEN, NOTHING);
      await out.add(await checked.add({ n, bytes: item }), NOTHING);
      await turn.pause();
    }
  }
  if (!reader.complete) throw new HeadgateError('invalid_json', { message: 'The body ends too early.' });
  await out.add(END, NOTHING);
  await out.flush();
  return checked.whole();
}
