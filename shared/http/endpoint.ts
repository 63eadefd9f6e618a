import type { HttpHandler, HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import type { Log } from '../ports.js';
import { oauthError, problem } from './answers.js';
import { errorPage } from './pages/page.js';

export type { HttpHandler };

export interface Call {
  readonly request: HttpRequest;
  /** Joins the answer, the audit rows and the log lines of one request. */
  readonly correlationId: string;
  /** Gives the platform what is to go out beside the answer, to an output binding by its name. */
  readonly output: (binding: string, message: unknown) => void;
}

/** OAuth endpoints answer errors as RFC 6749 §5.2 JSON, what people look at as a page, all others as problem details (RFC 9457). */
export type ErrorForm = 'oauth' | 'page' | 'problem';

const ERROR_FORMS: Readonly<Record<ErrorForm, (refusal: Refusal, id: string) => HttpResponseInit>> = {
  oauth: oauthError,
  page: errorPage,
  problem,
};

export interface EndpointOptions {
  readonly errors: ErrorForm;
  readonly methods: readonly string[];
  /** Refuses the call before anything of it is read. */
  readonly gate?: () => void;
  readonly log: Log;
  /** Where a caller that is nobody yet learns how to become somebody (RFC 9728 §5.1). */
  readonly resourceMetadata?: string;
}

/** What endpoints have in common, whatever they do. */
export type CommonOptions = Pick<EndpointOptions, 'gate' | 'log' | 'resourceMetadata'>;

/** The one exit of every request: whatever is thrown below leaves here as an answer that tells the caller no more than it may know. */
export function createEndpoint(
  options: EndpointOptions,
  run: (call: Call) => Promise<HttpResponseInit>,
): HttpHandler {
  return async (request: HttpRequest, context: InvocationContext): Promise<HttpResponseInit> => {
    const call: Call = {
      request,
      correlationId: context.invocationId,
      output: (binding, message) => context.extraOutputs.set(binding, message),
    };
    try {
      if (!options.methods.includes(request.method)) throw methodNotAllowed(options.methods);
      options.gate?.();
      return withCommonHeaders(await run(call), call);
    } catch (error) {
      const refusal = error instanceof Refusal ? error : fault(error, options.log, call.correlationId);
      if (refusal.status >= 500) logRefusal(options.log, refusal, call.correlationId);
      const answer = ERROR_FORMS[options.errors](refusal, call.correlationId);
      const challenge = refusal.code === 'unauthenticated' ? challengeOf(options, request) : {};
      return withCommonHeaders({ ...answer, headers: { ...challenge, ...answer.headers } }, call);
    }
  };
}

/** A 401 says how to do better (RFC 9110 §15.5.2); a token that was shown and not taken is named as that (RFC 6750 §3.1). */
function challengeOf(
  { resourceMetadata }: EndpointOptions,
  request: HttpRequest,
): Readonly<Record<string, string>> {
  if (resourceMetadata === undefined) return {};
  const shown = request.headers.has('authorization') ? ' error="invalid_token",' : '';
  return { 'WWW-Authenticate': `Bearer${shown} resource_metadata="${resourceMetadata}"` };
}

function methodNotAllowed(methods: readonly string[]): Refusal {
  return new Refusal('method_not_allowed', {
    description: 'the method is not allowed here',
    headers: { Allow: methods.join(', ') },
  });
}

/** A fault of ours: the caller learns that there was one, the log where. Messages stay out, they may quote what was handled. */
function fault(error: unknown, log: Log, correlationId: string): Refusal {
  const name = error instanceof Error ? error.name : 'unknown';
  const at =
    error instanceof Error ? error.stack?.split('\n').find((line) => line.includes(' at ')) : undefined;
  log.error('a request failed', { correlationId, error: name, at: at?.trim() });
  return new Refusal('server_error', { description: 'the request could not be completed' });
}

function logRefusal(log: Log, refusal: Refusal, correlationId: string): void {
  const cause = refusal.cause instanceof Error ? refusal.cause.name : undefined;
  log.warn('a request was refused', { correlationId, code: refusal.code, reason: refusal.reason, cause });
}

function withCommonHeaders(answer: HttpResponseInit, { correlationId }: Call): HttpResponseInit {
  const given = answer.headers ?? {};
  return {
    ...answer,
    headers: {
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'X-Correlation-Id': correlationId,
      ...Object.fromEntries(Object.entries(given)),
    },
  };
}
