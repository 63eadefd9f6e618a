import { createHash, randomBytes } from 'node:crypto';
import { servicePrincipalId } from '../directory/directory.js';
import type { App, User } from '../directory/types.js';
import type { ClaimsRequest } from './claims_request.js';

/** How the client proved itself, as `azpacr`/`appidacr` says it: nothing, a secret, a certificate or an assertion. */
export type ClientProof = '0' | '1' | '2';
export type Claims = Readonly<Record<string, unknown>>;

/** Facts of a sign-in that later tokens repeat. `authTime` is milliseconds since the epoch. */
export type Authn = Readonly<{ authTime: number; mfa: boolean; sid: string }>;

/** How far a token's `iat` and `nbf` lie before the moment of issue, as at Entra. */
export const BACKDATE_SECONDS = 300;

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Lifetime claims: back-dated start, `lifetime` seconds from now. `now` is milliseconds. */
export function timeClaims(now: number, lifetime: number): Claims {
  const from = seconds(now) - BACKDATE_SECONDS;
  return { iat: from, nbf: from, exp: seconds(now) + lifetime };
}

/** The pairwise subject of a user towards one app: another value for every app (OpenID Connect Core §8.1). */
export function pairwiseSubject(user: User, appId: string): string {
  return createHash('sha256').update(`subject:${user.tid}:${user.oid}:${appId}`).digest('base64url');
}

function opaque(user: { tid: string; oid: string }, appId: string): string {
  return `1.${createHash('sha256').update(`rh:${user.tid}:${user.oid}:${appId}`).digest('base64url')}.`;
}

/** A token's own id. */
export function newTokenId(): string {
  return randomBytes(16).toString('base64url');
}

function membership(user: User, app: App): Claims {
  const roles = user.roles?.[app.app_id] ?? [];
  const groups = user.groups ?? [];
  return { ...(roles.length > 0 ? { roles } : {}), ...(groups.length > 0 ? { groups } : {}) };
}

function nameParts(user: User): Claims {
  const [given_name = user.name, ...rest] = user.name.split(' ');
  return rest.length > 0 ? { given_name, family_name: rest.join(' ') } : { given_name };
}

export type UserToken = Readonly<{
  issuer: string;
  user: User;
  client: App;
  proof: ClientProof;
  resource: App;
  scopes: readonly string[];
  authn: Authn;
  aio: string;
  times: Claims;
  asked: ClaimsRequest | undefined;
}>;

function askedClaims(asked: ClaimsRequest | undefined): Claims {
  const { acrs = [], capabilities = [] } = asked ?? {};
  return {
    ...(acrs.length > 0 ? { acrs } : {}),
    ...(capabilities.length > 0 ? { xms_cc: capabilities } : {}),
  };
}

/** The claims of a user's access token, in the version its resource asks for. Version 2 always has the app id as `aud`. */
export function userAccessClaims(token: UserToken): Claims {
  const { issuer, user, client, proof, resource, scopes, authn, aio, times } = token;
  const common = {
    iss: issuer,
    ...times,
    aio,
    name: user.name,
    oid: user.oid,
    rh: opaque(user, client.app_id),
    ...membership(user, resource),
    scp: scopes.join(' '),
    sid: authn.sid,
    sub: pairwiseSubject(user, resource.app_id),
    tid: user.tid,
    uti: newTokenId(),
    ...askedClaims(token.asked),
  };
  if (resource.token_version === 2) {
    return {
      aud: resource.app_id,
      ...common,
      azp: client.app_id,
      azpacr: proof,
      preferred_username: user.upn,
      ver: '2.0',
    };
  }
  return {
    aud: resource.app_id_uri ?? resource.app_id,
    ...common,
    acr: '1',
    amr: authn.mfa ? ['pwd', 'mfa'] : ['pwd'],
    appid: client.app_id,
    appidacr: proof,
    ...nameParts(user),
    ipaddr: '127.0.0.1',
    unique_name: user.upn,
    upn: user.upn,
    ver: '1.0',
  };
}

export type AppToken = Readonly<{
  issuer: string;
  tid: string;
  client: App;
  proof: ClientProof;
  resource: App;
  aio: string;
  times: Claims;
}>;

/** The claims of an app-only token: all granted roles, no `scp`, `sub` and `oid` the service principal. */
export function appAccessClaims({ issuer, tid, client, proof, resource, aio, times }: AppToken): Claims {
  const oid = servicePrincipalId(client.app_id, tid);
  const roles = client.app_role_grants?.[resource.app_id] ?? [];
  const common = {
    iss: issuer,
    ...times,
    aio,
    ...(resource.idtyp ? { idtyp: 'app' } : {}),
    oid,
    rh: opaque({ tid, oid }, client.app_id),
    ...(roles.length > 0 ? { roles } : {}),
    sub: oid,
    tid,
    uti: newTokenId(),
  };
  if (resource.token_version === 2) {
    return { aud: resource.app_id, ...common, azp: client.app_id, azpacr: proof, ver: '2.0' };
  }
  const aud = resource.app_id_uri ?? resource.app_id;
  return { aud, ...common, appid: client.app_id, appidacr: proof, idp: issuer, ver: '1.0' };
}

export type IdToken = Readonly<{
  issuer: string;
  user: User;
  client: App;
  oidc: ReadonlySet<string>;
  authn: Authn;
  aio: string;
  times: Claims;
  nonce?: string | undefined;
  /** Bound into a hybrid answer as `c_hash`. */
  code?: string | undefined;
  withAuthTime?: boolean | undefined;
}>;

/** Left half of SHA-256, base64url: `c_hash` of OpenID Connect Core §3.3.2.11. */
export function halfHash(value: string): string {
  return createHash('sha256').update(value).digest().subarray(0, 16).toString('base64url');
}

/** ID token claims, always version 2. `oid`, `tid`, `name` and `preferred_username` need the `profile` scope, `email` its own. */
export function idTokenClaims(token: IdToken): Claims {
  const { issuer, user, client, oidc, authn, aio, times, nonce, code, withAuthTime } = token;
  const profile = { name: user.name, oid: user.oid, preferred_username: user.upn, tid: user.tid };
  return {
    aud: client.app_id,
    iss: issuer,
    ...times,
    aio,
    ...(withAuthTime ? { auth_time: seconds(authn.authTime) } : {}),
    ...(code === undefined ? {} : { c_hash: halfHash(code) }),
    ...(oidc.has('email') && user.email !== undefined ? { email: user.email } : {}),
    ...(nonce === undefined ? {} : { nonce }),
    ...(oidc.has('profile') ? profile : {}),
    rh: opaque(user, client.app_id),
    ...membership(user, client),
    sid: authn.sid,
    sub: pairwiseSubject(user, client.app_id),
    uti: newTokenId(),
    ver: '2.0',
  };
}
