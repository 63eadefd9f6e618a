import { SignJWT } from 'jose';
import type { Core } from '../core.js';
import type { App, User } from '../directory/types.js';
import { issueTime } from '../knobs.js';
import {
  type Authn,
  appAccessClaims,
  type Claims,
  type ClientProof,
  idTokenClaims,
  timeClaims,
  userAccessClaims,
} from './claims.js';
import type { ClaimsRequest } from './claims_request.js';
import type { RefreshGrant } from './sealed_grants.js';
import { issuerOf } from './tenants.js';

/** Signs claims with the current key. Version 1 tokens also carry `x5t`, as at Entra. */
export function signJwt(core: Core, claims: Claims): Promise<string> {
  const { kid, privateKey } = core.keys.current();
  const old = claims.ver === '1.0' ? { x5t: kid } : {};
  return new SignJWT({ ...claims })
    .setProtectedHeader({ typ: 'JWT', alg: 'RS256', ...old, kid })
    .sign(privateKey);
}

function sealAuthn(core: Core, user: User, authn: Authn): string {
  const { authTime, mfa, sid } = authn;
  return core.sealer.seal('authn', {
    authTime,
    mfa,
    sid,
    issued: issueTime(core.store.knobs(user.oid), core.now()),
  });
}

export type UserIssue = Readonly<{
  user: User;
  client: App;
  proof: ClientProof;
  resource: App;
  scopes: readonly string[];
  authn: Authn;
  asked: ClaimsRequest | undefined;
}>;

/** Signs a user's access token for one resource. */
export function issueUserToken(core: Core, issue: UserIssue): Promise<string> {
  const issuer = issuerOf(core, issue.user.tid, issue.resource.token_version ?? 1);
  const times = timeClaims(core.now(), core.store.read().settings.accessTokenSeconds);
  return signJwt(
    core,
    userAccessClaims({ ...issue, issuer, times, aio: sealAuthn(core, issue.user, issue.authn) }),
  );
}

export type AppIssue = Readonly<{ tid: string; client: App; proof: ClientProof; resource: App }>;

/** Signs an app-only token for one resource. */
export function issueAppToken(core: Core, issue: AppIssue): Promise<string> {
  const issuer = issuerOf(core, issue.tid, issue.resource.token_version ?? 1);
  const times = timeClaims(core.now(), core.store.read().settings.accessTokenSeconds);
  const aio = core.sealer.seal('authn', { issued: core.now() });
  return signJwt(core, appAccessClaims({ ...issue, issuer, times, aio }));
}

export type IdIssue = Readonly<{
  user: User;
  client: App;
  oidc: ReadonlySet<string>;
  authn: Authn;
  nonce?: string | undefined;
  code?: string | undefined;
  withAuthTime?: boolean | undefined;
}>;

/** Signs an ID token. */
export function issueIdToken(core: Core, issue: IdIssue): Promise<string> {
  const issuer = issuerOf(core, issue.user.tid, 2);
  const times = timeClaims(core.now(), core.store.read().settings.idTokenSeconds);
  return signJwt(
    core,
    idTokenClaims({ ...issue, issuer, times, aio: sealAuthn(core, issue.user, issue.authn) }),
  );
}

/** Seals a refresh token for a user and a client, issued now. */
export function issueRefreshToken(core: Core, grant: Omit<RefreshGrant, 'issued'>): string {
  const { client, oid, tid, scope, authTime, mfa, sid } = grant;
  const issued = issueTime(core.store.knobs(oid), core.now());
  return core.sealer.seal('refresh', { client, oid, tid, scope, authTime, mfa, sid, issued });
}
