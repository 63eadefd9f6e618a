import type { JWTPayload } from 'jose';
import type { Core } from '../../core.js';
import type { App } from '../../directory/types.js';
import { readClaimsRequest } from '../claims_request.js';
import { isPublicClient } from '../client_auth.js';
import { EntraError } from '../errors.js';
import { parseScope } from '../scopes.js';
import { openAuthn } from '../sealed_grants.js';
import { checkFactors, usableUser } from '../user_checks.js';
import { stringClaim, verifyOwnToken } from '../verify_own.js';
import type { TokenBody, TokenCall } from './token_call.js';
import { userTokenBody } from './user_tokens.js';

const PROBLEMS = { malformed: 'oboMalformed', signature: 'oboSignature', expired: 'oboExpired' } as const;

function audienceOf(claims: JWTPayload): string {
  return typeof claims.aud === 'string' ? claims.aud : '';
}

function isFor(app: App, audience: string): boolean {
  return audience === app.app_id || audience === app.app_id_uri;
}

/** Refuses what is not a user's access token for this client. A token for the default resource does not verify, as at Entra. */
function checkAssertion(core: Core, client: App, claims: JWTPayload): void {
  const audience = audienceOf(claims);
  if (!isFor(client, audience)) {
    const foreign = isFor(core.directory.defaultResource, audience);
    throw new EntraError(foreign ? 'oboSignature' : 'oboAudience', { client: client.app_id });
  }
  if (stringClaim(claims, 'scp') !== undefined) return;
  const appOnly = stringClaim(claims, 'azp') !== undefined || stringClaim(claims, 'appid') !== undefined;
  throw new EntraError(appOnly ? 'oboAppToken' : 'oboIdToken', { client: client.app_id });
}

async function readAssertion(core: Core, call: TokenCall): Promise<JWTPayload> {
  const token = await verifyOwnToken(core, call.params.required('assertion'));
  if (token.problem !== undefined) throw new EntraError(PROBLEMS[token.problem]);
  checkAssertion(core, call.client, token.claims);
  return token.claims;
}

/**
 * On behalf of: a middle tier trades a user's access token made for it for one of another resource. A refresh token,
 * bound to the middle tier, comes only with `offline_access`.
 */
export async function onBehalfOfGrant(core: Core, call: TokenCall): Promise<TokenBody> {
  const { params, client } = call;
  if (params.required('requested_token_use') !== 'on_behalf_of') throw new EntraError('malformed');
  if (isPublicClient(client)) throw new EntraError('missingCredential');
  const claims = await readAssertion(core, call);
  const authn = openAuthn(core, stringClaim(claims, 'aio'));
  const oid = stringClaim(claims, 'oid');
  const tid = stringClaim(claims, 'tid');
  if (authn === undefined || oid === undefined || tid === undefined) throw new EntraError('oboMalformed');
  call.heard.user = oid;
  const user = usableUser(core, { oid, tid, issued: authn.issued });
  const { tenant } = call.path;
  if (tenant !== undefined && tenant.tid !== tid) {
    throw new EntraError('userNotInTenant', { tenant: tenant.name, client: client.app_id });
  }
  const scope = params.required('scope');
  const { resources, oidc } = parseScope(core.directory, scope, tid);
  const [wanted] = resources;
  if (wanted === undefined) throw new EntraError('scopeInvalid', { scope });
  const asked = readClaimsRequest(params.get('claims'));
  checkFactors(
    core,
    { oid, mfa: authn.mfa },
    { resource: wanted.resource, asked, refusal: 'mfaInteraction' },
  );
  return userTokenBody(core, call, { user, authn, wanted, oidc, scope, asked });
}
