import type { HttpRequest } from '@azure/functions';
import { Refusal } from '../domain/errors.js';
import type { Membership } from '../domain/membership.js';
import type { Subject } from '../domain/subject.js';
import type { Tokens } from '../ports.js';

/** Who is calling a user, audit or management endpoint. */
export type Caller =
  | {
      readonly kind: 'user';
      readonly subject: Subject;
      readonly roles: readonly string[];
      readonly membership?: Membership;
      readonly name?: string;
    }
  | { readonly kind: 'app'; readonly appId: string; readonly roles: readonly string[] };

export type Identify = (request: HttpRequest) => Promise<Caller>;

export interface IdentifyDeps {
  readonly tokens: Tokens;
  readonly sessionMaxSeconds: number;
  /** The providers without ID tokens: in which tenant their users are, and whether policy admits them on the headers alone. */
  readonly onHeaders: ReadonlyMap<string, { readonly tenant: string; readonly admitted: boolean }>;
}

const PROVIDER_NAME = /^[a-z][a-z0-9_]{0,63}$/;
const ID_HEADER_MAX = 256;

/** What Easy Auth's headers name a provider, in our words: case is the platform's own, and X has two names. */
function providerOf(request: HttpRequest): string | undefined {
  const name = platformHeader(request, 'x-ms-client-principal-idp')?.toLowerCase();
  if (name !== undefined && !PROVIDER_NAME.test(name)) {
    throw unauthenticated('x-ms-client-principal-idp is not a provider name');
  }
  return name === 'x' ? 'twitter' : name;
}

/**
 * A user is whom the platform headers and a verified ID token name together: the headers alone are unsigned, and reach us unstripped
 * wherever Easy Auth is bypassed. `request.user` is never read, for the same reason. Users of a provider that has no ID tokens are admitted
 * on the headers where policy says so, and never with a role. Without either the caller may be an app, by its own bearer token.
 */
export function createIdentify({ tokens, sessionMaxSeconds, onHeaders }: IdentifyDeps): Identify {
  return async (request) => {
    const provider = providerOf(request);
    assertPrincipal(request, provider);
    const headersOnly = provider && onHeaders.get(provider);
    if (headersOnly) {
      if (!headersOnly.admitted)
        throw unauthenticated('policy does not admit users of this provider on headers');
      const subject = { provider, tenant: headersOnly.tenant, id: principalId(request) };
      return { kind: 'user', subject, roles: [] };
    }
    const idToken = provider && platformHeader(request, `x-ms-token-${provider}-id-token`);
    if (provider && idToken) {
      const claims = await tokens.verifyIdToken(provider, idToken, sessionMaxSeconds);
      assertSamePrincipal(request, claims.subject);
      return { kind: 'user', ...claims };
    }
    const bearer = bearerToken(request);
    if (bearer === undefined) throw unauthenticated('no ID token and no bearer token');
    const { appId, roles } = await tokens.verifyAppToken(bearer);
    return { kind: 'app', appId: appId.toLowerCase(), roles };
  };
}

/** @throws Refusal `forbidden` unless the caller is a user */
export function asUser(caller: Caller): Caller & { kind: 'user' } {
  if (caller.kind === 'user') return caller;
  throw new Refusal('forbidden', { description: 'this is for signed-in users only' });
}

/** RFC 6750 §2.1. */
export function bearerToken(request: HttpRequest): string | undefined {
  const header = request.headers.get('authorization') ?? '';
  return /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(header)?.[1];
}

/** A repeated header arrives joined by commas, and no value here may hold one: two identities are none. */
function platformHeader(request: HttpRequest, name: string): string | undefined {
  const value = request.headers.get(name);
  if (value === null || value === '') return undefined;
  if (value.includes(',')) throw unauthenticated(`${name} is given more than once`);
  return value;
}

/**
 * The principal itself, where there is one or should be: what App Service writes, for the provider the other header names. It is the form
 * that is checked; what it claims is believed of the verified token only.
 */
function assertPrincipal(request: HttpRequest, provider: string | undefined): void {
  const encoded = platformHeader(request, 'x-ms-client-principal');
  if (encoded === undefined && provider === undefined) return;
  const principal = encoded === undefined ? undefined : parsePrincipal(encoded);
  const named = typeof principal?.auth_typ === 'string' ? principal.auth_typ.toLowerCase() : undefined;
  if ((named === 'x' ? 'twitter' : named) !== provider || !Array.isArray(principal?.claims)) {
    throw unauthenticated('x-ms-client-principal is not one of App Service for this provider');
  }
}

function parsePrincipal(encoded: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(encoded, 'base64').toString('utf8'));
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Ids of the providers without ID tokens are digits or short words. */
const PLAIN_ID = /^[A-Za-z0-9._-]{1,128}$/;

function principalId(request: HttpRequest): string {
  const id = platformHeader(request, 'x-ms-client-principal-id');
  if (id === undefined || !PLAIN_ID.test(id)) throw unauthenticated('the principal header names no user');
  return id;
}

function assertSamePrincipal(request: HttpRequest, subject: Subject): void {
  const id = platformHeader(request, 'x-ms-client-principal-id');
  if (id === undefined || id.length > ID_HEADER_MAX || id !== subject.id) {
    throw unauthenticated('the principal header and the ID token name different users');
  }
}

function unauthenticated(reason: string): Refusal {
  return new Refusal('unauthenticated', { description: 'the caller is not signed in', reason });
}
