import type { HttpResponseInit } from '@azure/functions';
import type { Refusal } from '../domain/errors.js';

export function json(status: number, body: unknown, headers: Record<string, string> = {}): HttpResponseInit {
  return { status, jsonBody: body, headers };
}

/** Codes that HTTP has and RFC 6749 has not: on an OAuth endpoint the status tells them apart (RFC 6585 §4 for too many requests). */
const OAUTH_CODE: Readonly<Partial<Record<Refusal['code'], string>>> = {
  method_not_allowed: 'invalid_request',
  payload_too_large: 'invalid_request',
  unsupported_media_type: 'invalid_request',
  easy_auth_off: 'temporarily_unavailable',
  not_configured: 'temporarily_unavailable',
  rate_limited: 'temporarily_unavailable',
};

/** RFC 6749 §5.2. */
export function oauthError(refusal: Refusal): HttpResponseInit {
  const { code, status, description, members, headers } = refusal;
  return json(
    status,
    { error: OAUTH_CODE[code] ?? code, error_description: allowedText(description), ...members },
    { Pragma: 'no-cache', ...headers },
  );
}

/** RFC 6749 §5.2 allows printable ASCII without quotes and backslashes. */
function allowedText(text: string): string {
  return text.replace(/[^\x20\x21\x23-\x5b\x5d-\x7e]/g, '?');
}

/** RFC 9457. `code` repeats the last part of `type` for those who switch on it. */
export function problem(refusal: Refusal, correlationId: string): HttpResponseInit {
  const { code, status, description, members, headers } = refusal;
  const body = {
    type: `urn:token-broker:problem:${code}`,
    title: code.replaceAll('_', ' '),
    status,
    detail: description,
    code,
    instance: `urn:uuid:${correlationId}`,
    ...members,
  };
  return json(status, body, { 'Content-Type': 'application/problem+json', ...headers });
}

/** ISO 8601 in UTC for answers. */
export function isoTime(time: number): string {
  return new Date(time).toISOString();
}
