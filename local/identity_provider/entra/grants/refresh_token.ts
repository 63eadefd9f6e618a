import type { Core } from '../../core.js';
import type { User } from '../../directory/types.js';
import { readClaimsRequest } from '../claims_request.js';
import { EntraError } from '../errors.js';
import { parseScope } from '../scopes.js';
import { openRefresh, type RefreshGrant } from '../sealed_grants.js';
import { checkFactors, usableUser } from '../user_checks.js';
import type { TokenBody, TokenCall } from './token_call.js';
import { userTokenBody } from './user_tokens.js';

function inactiveFor(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const clock = new Date((seconds % 86_400) * 1000).toISOString().slice(11, 19);
  return `${Math.floor(seconds / 86_400)}.${clock}`;
}

function checkAge(core: Core, { oid, issued }: RefreshGrant): void {
  const idle = core.now() - issued;
  const expiredAt = core.store.knobs(oid).expiredAt;
  const byKnob = expiredAt !== undefined && issued <= expiredAt;
  if (!byKnob && idle < core.store.read().settings.refreshTokenSeconds * 1000) return;
  const at = new Date(issued).toISOString();
  throw new EntraError('refreshExpired', { issued: at, inactive: inactiveFor(Math.max(idle, 0)) });
}

function checkRefreshUser(core: Core, call: TokenCall, grant: RefreshGrant): User {
  if (grant.client !== call.client.app_id) throw new EntraError('grantForeign');
  const user = usableUser(core, grant);
  checkAge(core, grant);
  const { tenant } = call.path;
  if (tenant === undefined || tenant.tid === user.tid) return user;
  throw new EntraError('userNotInTenant', { tenant: tenant.name, client: call.client.app_id });
}

/**
 * Redeems a refresh token for any resource its user consented to; of several resources the first. A new refresh token
 * comes only with `offline_access` in this request, and the old one stays good.
 */
export async function refreshTokenGrant(core: Core, call: TokenCall): Promise<TokenBody> {
  const grant = openRefresh(core, call.params.required('refresh_token'));
  if (grant === undefined) throw new EntraError('grantMalformed');
  call.heard.user = grant.oid;
  const user = checkRefreshUser(core, call, grant);
  const scope = call.params.get('scope') ?? grant.scope;
  const { resources, oidc } = parseScope(core.directory, scope, user.tid);
  const [wanted] = resources;
  if (wanted === undefined) throw new EntraError('scopeInvalid', { scope });
  const asked = readClaimsRequest(call.params.get('claims'));
  checkFactors(core, grant, { resource: wanted.resource, asked });
  return userTokenBody(core, call, { user, authn: grant, wanted, oidc, scope: grant.scope, asked });
}
