import { open } from 'node:fs/promises';
import { CliFailure, EXIT, usageFailure } from '../failure.ts';

/** LiteLLM's map has 1.5 MB, models.dev's api.json 2 to 4. */
const MOST_BYTES = 32 * 1024 * 1024;
const TIMEOUT_MS = 60_000;

/** Bytes of a file, or of an https URL (http on loopback alone), bounded. Redirects are named and not followed. */
export async function readSource(from: string): Promise<Buffer> {
  const url = /^https?:\/\//i.test(from) ? new URL(from) : null;
  if (!url) return readLocal(from);
  if (url.protocol === 'http:' && !/^(127\.|localhost$|\[::1\]$)/.test(url.hostname))
    throw usageFailure(
      'A price list over plain http could be anybody’s.',
      'use https, or download it and name the file',
    );
  return readRemote(url);
}

async function readLocal(path: string): Promise<Buffer> {
  let file;
  try {
    file = await open(path);
    const { size } = await file.stat();
    if (size > MOST_BYTES) throw tooLarge(path);
    return await file.readFile();
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    throw usageFailure(`${path} cannot be read: ${(error as Error).message}.`, 'name a file or an https URL');
  } finally {
    await file?.close();
  }
}

async function readRemote(url: URL): Promise<Buffer> {
  const response = await reached(url);
  const target = response.headers.get('location');
  if (target !== null)
    throw usageFailure(`${url.href} points elsewhere: ${target}`, 'name that address, if you trust it');
  if (!response.ok) throw unreachable(`${url.href} answered ${response.status}.`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    if ((bytes += chunk.length) > MOST_BYTES) throw tooLarge(url.href);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function reached(url: URL): Promise<Response> {
  try {
    return await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) });
  } catch (error) {
    const { message, cause } = error as Error & { cause?: { code?: string } };
    throw unreachable(`${url.href} cannot be reached (${cause?.code ?? message}).`);
  }
}

const unreachable = (message: string): CliFailure =>
  new CliFailure({ code: 'source_unreachable', message, hint: 'download it and name the file', exit: EXIT.failed });
const tooLarge = (name: string): CliFailure =>
  usageFailure(`${name} is larger than ${MOST_BYTES / 1024 / 1024} MB: that is no price list.`, 'check the name');
