import type { HttpRequest } from '@azure/functions';
import { type SessionCredential, sessionCookies } from '../domain/session_credential.js';
import type { Subject } from '../domain/subject.js';
import type { SessionCredentials } from '../flows/session_credentials.js';

/** What Easy Auth holds of this session, from its headers; only for a caller already identified as its user. */
export function sessionCredentials(request: HttpRequest, { provider }: Subject): SessionCredentials {
  const header = (type: string) => text(request, `x-ms-token-${provider}-${type}`);
  return {
    refreshToken: header('refresh-token'),
    accessToken: header('access-token'),
    accessTokenSecret: header('access-token-secret'),
    session: sessionOf(request),
  };
}

/** A session token goes before the cookie, as at Easy Auth itself (reference/easyauth.md §14). */
function sessionOf(request: HttpRequest): SessionCredential | undefined {
  const token = text(request, 'x-zumo-auth');
  if (token !== undefined) return { carrier: 'token', value: token };
  const cookies = sessionCookies(text(request, 'cookie') ?? '');
  return cookies === undefined ? undefined : { carrier: 'cookie', value: cookies };
}

function text(request: HttpRequest, name: string): string | undefined {
  return request.headers.get(name) || undefined;
}
