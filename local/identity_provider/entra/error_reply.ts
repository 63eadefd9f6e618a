import type { Core } from '../core.js';
import { headerOf, type Incoming } from '../http/incoming.js';
import { jsonReply, type Reply, type ReplyHeaders } from '../http/reply.js';
import { type ErrorContext, type ErrorFacts, errorBody, errorContext } from './errors.js';

/** The ids and time under which a request's errors are told. */
export function contextOf(core: Core, incoming: Incoming): ErrorContext {
  return errorContext(core.now(), core.baseUrl, headerOf(incoming, 'client-request-id'));
}

/** Headers of every token answer: trace id, telemetry with the error number (0 for none), and the caller's request id. */
export function tracingHeaders(context: ErrorContext, incoming: Incoming, code: number): ReplyHeaders {
  const echo = headerOf(incoming, 'client-request-id') === context.correlationId;
  return {
    'x-ms-request-id': context.traceId,
    'x-ms-clitelem': `1,${code},0,,`,
    ...(echo ? { 'client-request-id': context.correlationId } : {}),
  };
}

/** An error as the token endpoint tells it. */
export function errorReply(core: Core, incoming: Incoming, facts: ErrorFacts & { status: number }): Reply {
  const context = contextOf(core, incoming);
  return jsonReply(facts.status, errorBody(facts, context), tracingHeaders(context, incoming, facts.code));
}
