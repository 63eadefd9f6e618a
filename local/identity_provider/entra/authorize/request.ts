import type { Core } from '../../core.js';
import type { App } from '../../directory/types.js';
import { type ClaimsRequest, readClaimsRequest } from '../claims_request.js';
import { EntraError } from '../errors.js';
import { type Params, paramsOf, repeatedNames } from '../form.js';
import { isRegistered } from '../redirect_uris.js';
import { parseScope, type ScopeRequest, unknownScope } from '../scopes.js';
import { findClient, type TenantPath } from '../tenants.js';

export type ResponseMode = 'query' | 'fragment' | 'form_post';
export type ResponseType = 'code' | 'id_token' | 'code id_token';

/** Where an answer or a refusal may be sent: only ever a registered redirect URI of a known client. */
export type Target = Readonly<{
  client: App;
  redirect: string;
  mode: ResponseMode;
  state: string | undefined;
}>;

export type AuthorizeRequest = Target &
  Readonly<{
    path: TenantPath;
    type: ResponseType;
    scope: string;
    scopes: ScopeRequest;
    nonce: string | undefined;
    challenge: string | undefined;
    method: string | undefined;
    prompt: ReadonlySet<string>;
    loginHint: string | undefined;
    /** Seconds. */
    maxAge: number | undefined;
    clientInfo: boolean;
    claims: ClaimsRequest | undefined;
  }>;

const MODES: ReadonlySet<string> = new Set(['query', 'fragment', 'form_post']);
const PROMPTS: ReadonlySet<string> = new Set(['none', 'login', 'select_account', 'consent']);

function isMode(mode: string | undefined): mode is ResponseMode {
  return mode !== undefined && MODES.has(mode);
}

function wantsIdToken(params: Params): boolean {
  return (params.get('response_type') ?? '').split(' ').includes('id_token');
}

/**
 * Finds out where answers may go.
 * @throws EntraError which must be shown on a page, since there is nowhere safe to redirect to
 */
export function readTarget(core: Core, path: TenantPath, values: URLSearchParams): Target {
  const repeated = repeatedNames(values);
  if (['client_id', 'redirect_uri', 'state'].some((name) => repeated.has(name)))
    throw new EntraError('malformed');
  const params = paramsOf(values);
  const client = findClient(core.directory, path, params.required('client_id'));
  const redirect = params.required('redirect_uri');
  if (!isRegistered(client.redirect_uris, redirect)) {
    throw new EntraError('redirectUri', { redirect, client: client.app_id });
  }
  const asked = params.get('response_mode');
  const mode = isMode(asked) ? asked : wantsIdToken(params) ? 'fragment' : 'query';
  return {
    client,
    redirect,
    mode: mode === 'query' && wantsIdToken(params) ? 'fragment' : mode,
    state: params.get('state'),
  };
}

function readType(params: Params): ResponseType {
  const parts = new Set(params.required('response_type').split(' '));
  if (parts.has('token')) throw new EntraError('tokenResponseType');
  const known = [...parts].every((part) => part === 'code' || part === 'id_token');
  if (!known) throw new EntraError('responseType');
  return parts.size === 2 ? 'code id_token' : parts.has('code') ? 'code' : 'id_token';
}

function checkMode(params: Params): void {
  const mode = params.get('response_mode');
  if (mode === undefined) return;
  if (!isMode(mode) || (mode === 'query' && wantsIdToken(params)))
    throw new EntraError('responseMode', { mode });
}

function readPrompt(params: Params): ReadonlySet<string> {
  const prompt = new Set((params.get('prompt') ?? '').split(' ').filter((one) => one !== ''));
  const unknown = [...prompt].some((one) => !PROMPTS.has(one));
  if (unknown || (prompt.has('none') && prompt.size > 1)) throw new EntraError('promptInvalid');
  return prompt;
}

function readChallenge(params: Params): { challenge: string | undefined; method: string | undefined } {
  const challenge = params.get('code_challenge');
  const given = params.get('code_challenge_method');
  if (challenge === undefined && given === undefined) return { challenge, method: undefined };
  const method = given ?? 'plain';
  const wellFormed = /^[A-Za-z0-9._~-]{43,128}$/.test(challenge ?? '');
  if (!wellFormed || (method !== 'S256' && method !== 'plain')) throw new EntraError('challengeInvalid');
  return { challenge, method };
}

function readMaxAge(params: Params): number | undefined {
  const text = params.get('max_age');
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new EntraError('malformed');
  return Number(text);
}

function readScopes(core: Core, tid: string, params: Params, client: App): ScopeRequest {
  const scope = params.required('scope');
  const scopes = parseScope(core.directory, scope, tid);
  if (wantsIdToken(params) && !scopes.oidc.has('openid')) throw new EntraError('scopeInvalid', { scope });
  for (const wanted of scopes.resources) {
    const unknown = unknownScope(wanted);
    if (unknown === undefined) continue;
    const details = { client: client.name, scope: unknown, resource: wanted.resource.app_id };
    throw new EntraError('scopeNotOnResource', details);
  }
  return scopes;
}

/**
 * Reads the rest of an authorization request (OpenID Connect Core §3.1.2.1, §3.3.2.1; RFC 7636 §4.3).
 * @throws EntraError to be sent to the target
 */
export function readRequest(
  core: Core,
  path: TenantPath,
  target: Target,
  values: URLSearchParams,
): AuthorizeRequest {
  if (repeatedNames(values).size > 0) throw new EntraError('malformed');
  const params = paramsOf(values);
  if (params.has('request') || params.has('request_uri')) throw new EntraError('requestObject');
  if (params.has('resource')) throw new EntraError('resourceParameter');
  const type = readType(params);
  checkMode(params);
  if (type !== 'code') params.required('nonce');
  return {
    ...target,
    path,
    type,
    scope: params.required('scope'),
    scopes: readScopes(core, path.tenant?.tid ?? target.client.tid, params, target.client),
    nonce: params.get('nonce'),
    ...readChallenge(params),
    prompt: readPrompt(params),
    loginHint: params.get('login_hint'),
    maxAge: readMaxAge(params),
    clientInfo: params.get('client_info') === '1',
    claims: readClaimsRequest(params.get('claims')),
  };
}
