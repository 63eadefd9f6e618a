import { createHash } from 'node:crypto';
import type { Core } from '../../core.js';
import { readClaimsRequest } from '../claims_request.js';
import { grantedScopes } from '../consents.js';
import { EntraError } from '../errors.js';
import { parseScope, type ResourceScopes, type ScopeRequest } from '../scopes.js';
import { type CodeGrant, openCode } from '../sealed_grants.js';
import { checkFactors, usableUser } from '../user_checks.js';
import type { TokenBody, TokenCall } from './token_call.js';
import { userTokenBody } from './user_tokens.js';

export const CODE_SECONDS = 600;

function checkVerifier({ challenge, method }: CodeGrant, verifier: string | undefined): void {
  if (challenge === undefined && verifier === undefined) return;
  if (verifier === undefined) throw new EntraError('verifierMissing');
  const hash = createHash('sha256').update(verifier).digest('base64url');
  if ((method === 'S256' ? hash : verifier) !== challenge) throw new EntraError('verifierWrong');
}

function checkCode(core: Core, call: TokenCall, code: CodeGrant): void {
  const { params, client, path } = call;
  if (code.client !== client.app_id) throw new EntraError('grantForeign');
  if (path.tenant !== undefined && path.tenant.tid !== code.tid) throw new EntraError('codeOtherTenant');
  if (code.issued + CODE_SECONDS * 1000 <= core.now()) throw new EntraError('codeExpired');
  if (params.required('redirect_uri') !== code.redirect) throw new EntraError('replyAddress');
  checkVerifier(code, params.get('code_verifier'));
}

function wantedOf(request: ScopeRequest): ResourceScopes {
  const [wanted, ...more] = request.resources;
  if (wanted === undefined || more.length > 0) throw new EntraError('scopeManyResources');
  return wanted;
}

/** The resource a redemption is for: the one in its own `scope`, or else the first that was authorized. */
function chooseResource(core: Core, call: TokenCall, code: CodeGrant): ResourceScopes {
  const scope = call.params.get('scope');
  if (call.params.has('scope') && (scope ?? '').trim() === '') throw new EntraError('scopeEmpty');
  if (scope !== undefined) return wantedOf(parseScope(core.directory, scope, code.tid));
  const [first] = parseScope(core.directory, code.scope, code.tid).resources;
  if (first === undefined) throw new EntraError('scopeEmpty');
  return first;
}

/** Marks the code used, durably. No two calls can both pass: the mark is made before the first wait. */
async function redeem(core: Core, code: CodeGrant): Promise<void> {
  const now = core.now();
  if (core.store.read().usedCodes[code.id] !== undefined) throw new EntraError('codeRedeemed');
  await core.store.change((data) => {
    for (const [id, until] of Object.entries(data.usedCodes)) if (until <= now) delete data.usedCodes[id];
    data.usedCodes[code.id] = code.issued + CODE_SECONDS * 1000;
  });
}

/** Redeems an authorization code once (RFC 6749 §4.1.3), with PKCE where the code was bound to a challenge (RFC 7636). */
export async function authorizationCodeGrant(core: Core, call: TokenCall): Promise<TokenBody> {
  const code = openCode(core, call.params.required('code'));
  if (code === undefined) throw new EntraError('grantMalformed');
  call.heard.user = code.oid;
  checkCode(core, call, code);
  const user = usableUser(core, code);
  const wanted = chooseResource(core, call, code);
  const asked = readClaimsRequest(call.params.get('claims'));
  checkFactors(core, code, { resource: wanted.resource, asked });
  const { oidc } = parseScope(core.directory, code.scope, code.tid);
  grantedScopes(core, { oid: user.oid, client: call.client, resource: wanted.resource }, { wanted, oidc });
  await redeem(core, code);
  const id = { nonce: code.nonce, withAuthTime: code.withAuthTime };
  return userTokenBody(core, call, { user, authn: code, wanted, oidc, scope: code.scope, id, asked });
}
