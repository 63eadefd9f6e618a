import type { Core } from '../../core.js';
import type { User } from '../../directory/types.js';
import type { Authn } from '../claims.js';
import type { ClaimsRequest } from '../claims_request.js';
import { grantedScopes } from '../consents.js';
import { type IdIssue, issueIdToken, issueRefreshToken, issueUserToken } from '../issue.js';
import type { ResourceScopes } from '../scopes.js';
import type { TokenBody, TokenCall } from './token_call.js';

export type UserGrant = Readonly<{
  user: User;
  authn: Authn;
  wanted: ResourceScopes;
  /** OpenID scopes in force: `openid` brings an ID token, `offline_access` a refresh token. */
  oidc: ReadonlySet<string>;
  /** Remembered in the refresh token, for a later refresh without a scope. */
  scope: string;
  /** A claims request that this sign-in meets. */
  asked: ClaimsRequest | undefined;
  id?: Pick<IdIssue, 'nonce' | 'withAuthTime'>;
}>;

function scopeText({ wanted }: UserGrant, scopes: readonly string[]): string {
  const uri = wanted.resource.app_id_uri ?? wanted.resource.app_id;
  const oidc = ['openid', 'profile', 'email'];
  return scopes
    .map((scope) => (wanted.prefixed && !oidc.includes(scope) ? `${uri}/${scope}` : scope))
    .join(' ');
}

function lifetimes(seconds: number): TokenBody {
  const early = seconds >= 7200 ? { refresh_in: Math.floor(seconds / 2) } : {};
  return { expires_in: seconds, ext_expires_in: seconds, ...early };
}

function clientInfo(user: User): string {
  return Buffer.from(JSON.stringify({ uid: user.oid, utid: user.tid })).toString('base64url');
}

/** The answer of every grant that acts for a user: what was asked is granted, or refused, before anything is signed. */
export async function userTokenBody(core: Core, call: TokenCall, grant: UserGrant): Promise<TokenBody> {
  const { client, proof, params } = call;
  const { user, authn, wanted, oidc, scope, asked } = grant;
  const { resource } = wanted;
  const scopes = grantedScopes(core, { oid: user.oid, client, resource }, { wanted, oidc });
  const { sid, mfa, authTime } = authn;
  const refresh = { client: client.app_id, oid: user.oid, tid: user.tid, scope, sid, mfa, authTime };
  return {
    token_type: 'Bearer',
    scope: scopeText(grant, scopes),
    ...lifetimes(core.store.read().settings.accessTokenSeconds),
    access_token: await issueUserToken(core, { user, client, proof, resource, scopes, authn, asked }),
    ...(oidc.has('offline_access') ? { refresh_token: issueRefreshToken(core, refresh) } : {}),
    ...(oidc.has('openid')
      ? { id_token: await issueIdToken(core, { user, client, oidc, authn, ...grant.id }) }
      : {}),
    ...(params.get('client_info') === '1' ? { client_info: clientInfo(user) } : {}),
  };
}

/** The answer of an app-only grant. */
export function appTokenBody(core: Core, accessToken: string): TokenBody {
  const seconds = core.store.read().settings.accessTokenSeconds;
  return { token_type: 'Bearer', ...lifetimes(seconds), access_token: accessToken };
}
