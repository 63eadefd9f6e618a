import { setTimeout as delay } from 'node:timers/promises';
import { errorBody, errorContext, knownText } from './entra/errors.js';
import { type Fault, hasAnswer } from './faults.js';
import { jsonReply, type Reply, withHeaders } from './http/reply.js';

type Facts = Readonly<{ now: number; baseUrl: string }>;

function faultBody(fault: Fault, { now, baseUrl }: Facts): unknown {
  if (fault.body !== undefined) return fault.body;
  const { code = 0, error = 'temporarily_unavailable', suberror } = fault;
  const text = knownText(code) ?? 'An injected fault.';
  return errorBody({ code, error, text, suberror }, errorContext(now, baseUrl, undefined));
}

function faultStatus({ status, retryAfter, error }: Fault): number {
  return status ?? (retryAfter !== undefined && error === undefined ? 429 : 400);
}

/** The answer a fault gives in place of the real one; undefined for a fault that only delays or cuts. */
export function faultReply(fault: Fault, facts: Facts): Reply | undefined {
  if (!hasAnswer(fault)) return undefined;
  const body = faultBody(fault, facts);
  const retry: Record<string, string> =
    fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  const reply = jsonReply(faultStatus(fault), body, {
    'x-ms-clitelem': `1,${fault.code ?? 0},0,,`,
    ...retry,
  });
  if (typeof body !== 'string') return reply;
  const type = body.startsWith('<') ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
  return { ...withHeaders(reply, { 'content-type': type }), body };
}

/** Waits out a fault's delay, or until the provider closes. */
export async function waitOut(fault: Fault, closing: AbortSignal): Promise<void> {
  if (fault.delayMs === undefined) return;
  await delay(fault.delayMs, undefined, { signal: closing }).catch(() => undefined);
}
