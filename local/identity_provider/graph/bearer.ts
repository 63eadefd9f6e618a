import type { JWTPayload } from 'jose';
import type { Core } from '../core.js';
import type { User } from '../directory/types.js';
import { stringClaim, verifyOwnToken } from '../entra/verify_own.js';
import { headerOf, type Incoming } from '../http/incoming.js';
import { jsonReply, type Reply } from '../http/reply.js';

/** Whom a proven token speaks for, and what it allows. */
export type Caller = Readonly<{
  user: User | undefined;
  client: string;
  scopes: ReadonlySet<string>;
  roles: ReadonlySet<string>;
}>;

function graphError(core: Core, code: string, message: string): object {
  const date = new Date(core.now()).toISOString().slice(0, 19);
  return { error: { code, message, innerError: { date } } };
}

/** 401 in the words of Graph: says where to get a token, and what was wrong with this one. */
export function unauthorized(core: Core, message: string): Reply {
  const uri = `${core.baseUrl}/common/oauth2/v2.0/authorize`;
  const challenge = `Bearer realm="", authorization_uri="${uri}", client_id="${core.directory.defaultResource.app_id}"`;
  return jsonReply(401, graphError(core, 'InvalidAuthenticationToken', message), {
    'www-authenticate': challenge,
  });
}

/** 403 in the words of Graph. */
export function forbidden(core: Core, needed: string): Reply {
  const challenge = `Bearer realm="", error="insufficient_scope", scope="${needed}"`;
  const body = graphError(core, 'ErrorAccessDenied', 'Access is denied. Check credentials and try again.');
  return jsonReply(403, body, { 'www-authenticate': challenge });
}

/** Any other refusal in Graph's shape. */
export function refused(
  core: Core,
  refusal: Readonly<{ status: number; code: string; message: string }>,
): Reply {
  return jsonReply(refusal.status, graphError(core, refusal.code, refusal.message));
}

function wordsOf(value: unknown): ReadonlySet<string> {
  if (typeof value === 'string') return new Set(value.split(' '));
  return new Set(Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);
}

function callerOf(core: Core, claims: JWTPayload): Caller | undefined {
  const { app_id: id, app_id_uri: uri } = core.directory.defaultResource;
  if (claims.aud !== id && claims.aud !== uri) return undefined;
  const scopes = wordsOf(claims.scp);
  const user = scopes.size > 0 ? core.directory.userByOid(stringClaim(claims, 'oid') ?? '') : undefined;
  const client = stringClaim(claims, 'azp') ?? stringClaim(claims, 'appid') ?? '';
  return { user, client, scopes, roles: wordsOf(claims.roles) };
}

/** Reads and proves the bearer token of a request to the default resource; a reply when it does not do. */
export async function readCaller(core: Core, incoming: Incoming): Promise<Caller | Reply> {
  const token = /^Bearer +([\w.~+/=-]+)$/i.exec(headerOf(incoming, 'authorization') ?? '')?.[1];
  if (token === undefined) return unauthorized(core, 'Access token is empty.');
  const result = await verifyOwnToken(core, token);
  if (result.problem === 'expired')
    return unauthorized(core, 'Lifetime validation failed, the token is expired.');
  if (result.problem !== undefined) return unauthorized(core, 'Access token validation failure.');
  return (
    callerOf(core, result.claims) ?? unauthorized(core, 'Access token validation failure. Invalid audience.')
  );
}

/** Tells a refusal from a caller. */
export function isReply(value: Caller | Reply): value is Reply {
  return 'status' in value;
}
