import { type Scope, scopeOf } from '../domain/scope.js';
import type { Subject } from '../domain/subject.js';
import { classify } from './aad_errors.js';
import type { ProviderRules } from './rules.js';

/** Microsoft Entra ID: every refresh returns a new token, the old one stays good; no RFC 7009; scopes are not narrowed. */
export const aad: ProviderRules = {
  name: 'aad',
  rotation: 'replace-keep-old',
  refreshKind: 'refresh_token',
  narrows: false,
  signIn: 'id_token',
  signatures: ['RS256'],
  isIdToken,
  revocation: 'none',
  limits: { inactivitySeconds: 90 * 86_400 },
  requestScope,
  onBehalfScope,
  requestClaims,
  grantedScope,
  subjectOf,
  classify,
};

/** Scopes that steer the sign-in and are no authority at a resource. */
const PROTOCOL_SCOPES: ReadonlySet<string> = new Set(['openid', 'profile', 'email', 'offline_access']);
const PROTOCOL = 'openid profile offline_access';

/** `offline_access` goes into every refresh, or Entra returns no successor; `openid profile` brings `oid` and `tid` back. */
function requestScope(resource: string | undefined, scope: Scope): string {
  if (resource === undefined) return PROTOCOL;
  return `${onBehalfScope(resource, scope)} ${PROTOCOL}`;
}

function onBehalfScope(resource: string, scope: Scope): string {
  return scope.map((token) => `${resource}/${token}`).join(' ');
}

/** Who hands a challenge back can handle one: that is what `cp1` says, and without it Entra would not bring the next one up. */
function requestClaims(claims: string): string {
  const { access_token: asked }: { access_token: object } = JSON.parse(claims);
  return JSON.stringify({ access_token: { ...asked, xms_cc: { values: ['cp1'] } } });
}

/** Entra writes scopes of the default resource bare and others with their resource in front. */
function grantedScope(answer: string, resource: string | undefined): Scope {
  const prefix = `${resource ?? ''}/`;
  const tokens = answer.split(' ').filter((token) => token !== '' && !PROTOCOL_SCOPES.has(token));
  return scopeOf(tokens.map((token) => (token.startsWith(prefix) ? token.slice(prefix.length) : token)));
}

/** The broker's own app id is the audience of its users' access tokens and of app tokens for it too; only they name who holds them. */
function isIdToken({ scp, idtyp, azp, appid }: Readonly<Record<string, unknown>>): boolean {
  return scp === undefined && idtyp === undefined && azp === undefined && appid === undefined;
}

/** `(tid, oid)`; never `sub`, which is pairwise per client, and never a name or an address. */
function subjectOf(claims: Readonly<Record<string, unknown>>): Subject | undefined {
  const { tid, oid } = claims;
  if (typeof tid !== 'string' || typeof oid !== 'string' || tid === '' || oid === '') return undefined;
  return { provider: 'aad', tenant: tid, id: oid };
}
