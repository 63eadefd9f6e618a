import { randomUUID } from 'node:crypto';
import { ENTRA_ERRORS, type ErrorName, type ErrorRule } from './error_table.js';

export type ErrorDetails = Readonly<Record<string, string>>;

/** A refusal on its way to the caller. `details` fill the text's places; they are names and times, never credentials. */
export class EntraError extends Error {
  readonly reason: ErrorName;
  readonly rule: ErrorRule;
  readonly details: ErrorDetails;
  /** A claims challenge for the caller to pass on (JSON). */
  readonly claims: string | undefined;
  constructor(name: ErrorName, details: ErrorDetails = {}, claims?: string) {
    super(name);
    this.name = 'EntraError';
    this.reason = name;
    this.rule = ENTRA_ERRORS[name];
    this.details = details;
    this.claims = claims;
  }
}

/** When and under which ids an error is told. Trace and correlation ids are GUIDs. */
export type ErrorContext = Readonly<{ now: number; baseUrl: string; traceId: string; correlationId: string }>;

/** What an error consists of before it is dressed: enough for injected faults too. */
export type ErrorFacts = Readonly<{
  code: number;
  error: string;
  text: string;
  suberror?: string | undefined;
  claims?: string | undefined;
}>;

/** Entra's time format in error bodies: `2026-11-23 01:02:03Z`. */
export function errorTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** Makes outside text fit for an error description (RFC 6749 §5.2): printable ASCII, no quotes, at most 200 long. */
export function printable(value: string): string {
  return value.replace(/[^ !#-[\]-~]/g, '?').slice(0, 200);
}

/** The ids of one call; the correlation id is the caller's `client-request-id` when that is a GUID. */
export function errorContext(
  now: number,
  baseUrl: string,
  clientRequestId: string | undefined,
): ErrorContext {
  const isGuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(clientRequestId ?? '');
  return {
    now,
    baseUrl,
    traceId: randomUUID(),
    correlationId: isGuid && clientRequestId !== undefined ? clientRequestId : randomUUID(),
  };
}

/** The text with its places filled and its number in front: `AADSTS50057: …`. */
export function describe({ code, text }: ErrorFacts): string {
  return `AADSTS${code}: ${text}`;
}

/** The facts of a refusal. */
export function factsOf({ rule, details, claims }: EntraError): ErrorFacts {
  const text = rule.text.replace(/\{(\w+)\}/g, (_, name: string) => printable(details[name] ?? ''));
  return { code: rule.code, error: rule.error, text, suberror: rule.suberror, claims };
}

/** The full description: text, trace id, correlation id and time, as Entra writes it. */
export function fullDescription(facts: ErrorFacts, context: ErrorContext): string {
  const { traceId, correlationId, now } = context;
  return `${describe(facts)} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${errorTime(now)}`;
}

/** The JSON body of an error at the token endpoint. */
export function errorBody(facts: ErrorFacts, context: ErrorContext): Record<string, unknown> {
  const { code, error, suberror, claims } = facts;
  return {
    error,
    error_description: fullDescription(facts, context),
    error_codes: [code],
    timestamp: errorTime(context.now),
    trace_id: context.traceId,
    correlation_id: context.correlationId,
    error_uri: `${context.baseUrl}/error?code=${code}`,
    ...(suberror === undefined ? {} : { suberror }),
    ...(claims === undefined ? {} : { claims }),
  };
}

/** The text of a known number, for faults that name only the number. */
export function knownText(code: number): string | undefined {
  return Object.values(ENTRA_ERRORS).find((rule) => rule.code === code)?.text;
}
