import { setTimeout as delay } from 'node:timers/promises';
import { errorBody, errorContext, knownText } from './entra/errors.js';
import { type Fault, hasAnswer } from './faults.js';
import { jsonReply, type Reply, withHeaders } from './http/reply.js';
import { personalityFault, personalityFaultStatus } from './personalities/fault_bodies.js';

type Facts = Readonly<{ now: number; baseUrl: string; path: string }>;

function entraBody(fault: Fault, { now, baseUrl }: Facts): object {
  const { code = 0, error = 'temporarily_unavailable', suberror } = fault;
  const text = knownText(code) ?? 'An injected fault.';
  return errorBody({ code, error, text, suberror }, errorContext(now, baseUrl, undefined));
}

function faultStatus(fault: Fault, path: string): number {
  const { status, retryAfter, error } = fault;
  if (status !== undefined) return status;
  return retryAfter !== undefined && error === undefined ? 429 : (personalityFaultStatus(fault, path) ?? 400);
}

/** The answer a fault gives in place of the real one; undefined for a fault that only delays or cuts. */
export function faultReply(fault: Fault, facts: Facts): Reply | undefined {
  if (!hasAnswer(fault)) return undefined;
  const foreign = personalityFault(fault, facts.path);
  const body = fault.body ?? foreign ?? entraBody(fault, facts);
  const telemetry: Record<string, string> =
    foreign === undefined ? { 'x-ms-clitelem': `1,${fault.code ?? 0},0,,` } : {};
  const retry: Record<string, string> =
    fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) };
  const reply = jsonReply(faultStatus(fault, facts.path), body, { ...telemetry, ...retry });
  if (typeof body !== 'string') return reply;
  const type = body.startsWith('<') ? 'text/html; charset=utf-8' : 'text/plain; charset=utf-8';
  return { ...withHeaders(reply, { 'content-type': type }), body };
}

/** Waits out a fault's delay, or until the provider closes. */
export async function waitOut(fault: Fault, closing: AbortSignal): Promise<void> {
  if (fault.delayMs === undefined) return;
  await delay(fault.delayMs, undefined, { signal: closing }).catch(() => undefined);
}
