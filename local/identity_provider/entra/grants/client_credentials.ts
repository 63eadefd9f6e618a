import type { Core } from '../../core.js';
import { isPublicClient } from '../client_auth.js';
import { EntraError } from '../errors.js';
import { issueAppToken } from '../issue.js';
import { parseScope, type ResourceScopes } from '../scopes.js';
import type { TokenBody, TokenCall } from './token_call.js';
import { appTokenBody } from './user_tokens.js';

function onlyDefault(core: Core, scope: string, tid: string): ResourceScopes {
  const { resources, oidc } = parseScope(core.directory, scope, tid);
  const [wanted, ...more] = resources;
  if (wanted === undefined || more.length > 0 || !wanted.all || oidc.size > 0) {
    throw new EntraError('scopeNotDefault', { scope });
  }
  return wanted;
}

/** An app-only token with all granted roles (RFC 6749 §4.4): exactly one `{resource}/.default`, a certain tenant, no refresh token. */
export async function clientCredentialsGrant(core: Core, call: TokenCall): Promise<TokenBody> {
  const { path, params, client, proof } = call;
  if (path.tenant === undefined) throw new EntraError('grantNotOnCommon');
  if (isPublicClient(client)) throw new EntraError('missingCredential');
  const { tid } = path.tenant;
  const { resource } = onlyDefault(core, params.required('scope'), tid);
  return appTokenBody(core, await issueAppToken(core, { tid, client, proof, resource }));
}
