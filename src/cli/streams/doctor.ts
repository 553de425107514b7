import { readFileSync } from 'node:fs';
import { parseDuration } from '#kernel/config/quantities.ts';
import { pricePerMillion, parseUsd } from '#kernel/money.ts';
import {
  examine,
  FULL,
  HOPS,
  NoEcho,
  parseBound,
  QUICK,
  type Bound,
  type DoctorPlan,
  type DoctorReport,
  type Hop,
  type Way,
} from '#capabilities/streams/cli.ts';
import { connect } from '../connect/source.ts';
import { show, type CliContext } from '../context.ts';
import { CliFailure, EXIT, usageFailure } from '../failure.ts';
import type { CommonFlags } from '../flags.ts';
import { countdown } from './countdown.ts';
import { drawDoctor, drawTicket } from './draw.ts';
import { markdownOf } from './markdown.ts';

export interface DoctorFlags extends CommonFlags {
  readonly ticket?: string;
  readonly open: boolean;
  readonly for: string;
  readonly quick: boolean;
  readonly gap?: readonly string[];
  readonly header?: readonly (readonly [string, string])[];
  readonly ca?: string;
  readonly insecure: boolean;
  readonly tokensPerSecond: number;
  readonly price: string;
  readonly hop?: string;
  readonly markdown: boolean;
  readonly ci: boolean;
  readonly bound?: readonly string[];
}

export interface TicketReport {
  readonly report: 'echo_ticket';
  readonly id: string;
  readonly ticket: string;
  readonly expiresAt: string;
  readonly gate: string;
}

export async function doctor(this: CliContext, flags: DoctorFlags, ...urls: string[]): Promise<void> {
  const hop = hopOf(flags);
  const bounds = boundsOf(flags);
  const bases = urls.map(baseOf);
  const trust = trustFrom(flags);
  if (bases.length === 0 && !flags.open)
    throw usageFailure('no address to examine', 'headgate streams doctor https://your-gate.example --open');
  const opened = flags.open ? await openEcho(this, flags) : null;
  if (bases.length === 0) return show(this, { json: flags.json, report: opened!.report, draw: drawTicket });
  const ticket = opened?.report.ticket ?? ticketOf(this, flags);
  const headers = Object.fromEntries(flags.header ?? []);
  const ways = bases.map((base): Way => ({ base, ticket, headers, ...(trust && { trust }) }));
  const report = await examined(this, flags, ways, bounds).finally(() => opened?.shut());
  if (flags.markdown) this.terminal.print(markdownOf(report, hop));
  else show(this, { json: flags.json, report, draw: (value) => drawDoctor(value, this, hop) });
  if (flags.ci && report.broken) this.exit(EXIT.gateFailed);
}

async function examined(
  context: CliContext,
  flags: DoctorFlags,
  ways: readonly Way[],
  bounds: readonly Bound[] | null,
): Promise<DoctorReport> {
  const { plan, leftOut } = planOf(flags);
  // The longest silence is what a run takes; all the rest is measured beside it.
  const { step, stop } = countdown(context.terminal, Math.max(...plan.gapsMs) + AROUND_MS);
  try {
    return await examine({
      ...{ ways, plan, leftOut, bounds, now: context.now(), pricePerMillionUsd: flags.price },
      price: { tokensPerSecond: flags.tokensPerSecond, perMillion: pricePerMillion(parseUsd(flags.price)!) },
      step,
    });
  } catch (error) {
    throw error instanceof NoEcho ? noEcho(error) : error;
  } finally {
    stop();
  }
}

/** The first answers, and the last. */
const AROUND_MS = 1_000;

function planOf({ quick, gap }: DoctorFlags): { readonly plan: DoctorPlan; readonly leftOut: string | null } {
  const plan = quick ? QUICK : FULL;
  if (gap !== undefined) return { plan: { ...plan, gapsMs: gap.map((one) => parseDuration(one)!) }, leftOut: null };
  const longest = Math.max(...QUICK.gapsMs) / 1_000;
  return { plan, leftOut: quick ? `silences longer than ${longest} s (--quick)` : null };
}

interface OpenedEcho {
  readonly report: TicketReport;
  readonly shut: () => Promise<unknown>;
}

async function openEcho(context: CliContext, flags: DoctorFlags): Promise<OpenedEcho> {
  const admin = await connect(context, flags);
  const body = { for: flags.for, maxOpen: 512 };
  const { id, ticket, expiresAt } = (await admin.ask('POST', '/streams/echo-tickets', { body })) as TicketReport;
  return {
    report: { report: 'echo_ticket', id, ticket, expiresAt, gate: admin.url },
    shut: () => admin.ask('DELETE', `/streams/echo-tickets/${id}`),
  };
}

function ticketOf({ env }: CliContext, { ticket }: DoctorFlags): string {
  const found = ticket ?? env['HEADGATE_ECHO_TICKET'];
  if (found) return found;
  throw usageFailure(
    'the echo of the gate is shut, and there is no ticket for it',
    'add --open beside a running gate, or run `headgate streams doctor --open` there and give its ticket with --ticket',
  );
}

function baseOf(text: string): URL {
  const url = URL.parse(text);
  if (url && /^https?:$/.test(url.protocol) && url.username === '') return url;
  throw usageFailure(`${text} is no http or https address`, 'give the address that clients have as their base URL');
}

/** Null: what Node trusts, `NODE_EXTRA_CA_CERTS` among it. */
function trustFrom({ ca, insecure }: DoctorFlags): Way['trust'] | null {
  if (ca === undefined) return insecure ? { anyCertificate: true } : null;
  if (insecure) throw usageFailure('--ca and --insecure contradict each other', 'leave one of them out');
  const text = readable(ca);
  if (text?.includes('-----BEGIN CERTIFICATE-----')) return { ca: text };
  throw usageFailure(`--ca: ${ca} has no certificate in PEM`, 'give the file that curl takes as --cacert');
}

function readable(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

function hopOf({ hop }: DoctorFlags): Hop | null {
  if (hop === undefined) return null;
  if ((HOPS as readonly string[]).includes(hop)) return hop as Hop;
  throw usageFailure(`no fixes for ${hop}`, `known are ${HOPS.join(', ')}`);
}

function boundsOf({ ci, bound }: DoctorFlags): readonly Bound[] | null {
  if (!ci && bound === undefined) return null;
  try {
    return (bound ?? []).map(parseBound);
  } catch (error) {
    throw usageFailure(`--bound: ${(error as Error).message}`, 'for example --bound idle=60s --bound websocket=opens');
  }
}

function noEcho({ answer: { status, code } }: NoEcho): CliFailure {
  if (status === null)
    return new CliFailure({
      code: 'way_unreachable',
      message: `Nothing answers at that address (${code}).`,
      hint: /CERT|SIGNATURE|ALTNAME/.test(code ?? '')
        ? 'the certificate is not trusted: --ca names the file that signs it, --insecure takes any'
        : 'give the address that clients have as their base URL',
    });
  return new CliFailure({
    code: 'no_echo',
    message: `An answer of ${status} came, and it is not the echo of a gate.`,
    hint: 'the ticket may have expired or be another gate’s; a hop that asks for a login takes --header',
  });
}
