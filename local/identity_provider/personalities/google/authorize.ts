import type { SocialApp } from '../../directory/social.js';
import { sendToClient } from '../../entra/authorize/respond.js';
import { isRegistered } from '../../entra/redirect_uris.js';
import type { Reply } from '../../http/reply.js';
import { mintCode } from '../kit/codes.js';
import { consent, grantOf, hasConsented } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import { type Challenge, type Params, readChallenge, readParams } from '../kit/params.js';
import type { Agreed, Ask, SignInFlow } from '../kit/sign_in.js';
import { wordsOf } from '../kit/text.js';
import { accessBlocked } from './errors.js';
import { isKnownScope, longNames } from './scopes.js';

type Request = Readonly<{
  app: SocialApp;
  redirect: string;
  mode: 'query' | 'fragment' | 'form_post';
  state: string | undefined;
  scopes: readonly string[];
  offline: boolean;
  prompt: ReadonlySet<string>;
  includeGranted: boolean;
  hint: string | undefined;
  hostedDomain: string | undefined;
  nonce: string | undefined;
  pkce: Challenge;
}>;

function readTarget(kit: Kit, params: Params): Pick<Request, 'app' | 'redirect'> {
  const app = kit.app('google', params('client_id'));
  if (app === undefined) throw accessBlocked('invalid_client', 'The OAuth client was not found.', 401);
  const redirect = params('redirect_uri');
  if (redirect === undefined)
    throw accessBlocked('invalid_request', 'Missing required parameter: redirect_uri');
  if (!isRegistered(app.redirect_uris, redirect)) {
    throw accessBlocked('redirect_uri_mismatch', 'The redirect URI is not registered for this app.');
  }
  return { app, redirect };
}

function oneOf<T extends string>(params: Params, name: string, known: readonly [T, ...T[]]): T {
  const given = params(name);
  if (given === undefined) return known[0];
  const found = known.find((value) => value === given);
  if (found === undefined) throw accessBlocked('invalid_request', `Invalid parameter value for ${name}.`);
  return found;
}

function readPrompt(params: Params): ReadonlySet<string> {
  const prompt = new Set(wordsOf(params('prompt')));
  const unknown = [...prompt].some((one) => !['none', 'consent', 'select_account'].includes(one));
  if (unknown || (prompt.has('none') && prompt.size > 1)) {
    throw accessBlocked('invalid_request', 'Invalid parameter value for prompt.');
  }
  return prompt;
}

function readScopes(params: Params): readonly string[] {
  const scopes = wordsOf(params('scope'));
  if (scopes.length === 0) throw accessBlocked('invalid_request', 'Missing required parameter: scope');
  if (!scopes.every(isKnownScope))
    throw accessBlocked('invalid_scope', 'Some requested scopes were invalid.');
  return longNames(scopes);
}

function read(kit: Kit, values: URLSearchParams): Request {
  const { params, repeated } = readParams(values);
  if (repeated !== undefined)
    throw accessBlocked('invalid_request', 'OAuth 2 parameters can only have a single value.');
  const target = readTarget(kit, params);
  if (params('response_type') !== 'code')
    throw accessBlocked('unsupported_response_type', 'Only response_type=code is supported here.');
  const pkce = readChallenge(params, ['S256', 'plain']);
  if (pkce === undefined) throw accessBlocked('invalid_request', 'Invalid code_challenge.');
  return {
    ...target,
    mode: oneOf(params, 'response_mode', ['query', 'fragment', 'form_post']),
    state: params('state'),
    scopes: readScopes(params),
    offline: oneOf(params, 'access_type', ['online', 'offline']) === 'offline',
    prompt: readPrompt(params),
    includeGranted: oneOf(params, 'include_granted_scopes', ['false', 'true']) === 'true',
    hint: params('login_hint'),
    hostedDomain: params('hd'),
    nonce: params('nonce'),
    pkce,
  };
}

function ask(request: Request): Ask {
  const { app, scopes, hint, prompt, hostedDomain } = request;
  return {
    app,
    scopes,
    hint,
    show: prompt.has('none') ? 'none' : prompt.has('select_account') ? 'page' : 'auto',
    granular: true,
    remembers: !prompt.has('consent'),
    admits: (account) =>
      hostedDomain === undefined ||
      (account.hostedDomain !== undefined && [account.hostedDomain, '*'].includes(hostedDomain)),
  };
}

/** A consent page was due: asked for, or for scopes or offline access not consented to before. Only then Google returns a refresh token. */
function showsConsent(
  kit: Kit,
  request: Request,
  parties: Readonly<{ personality: 'google'; client: string; oid: string }>,
): boolean {
  const known = grantOf(kit, parties);
  if (request.prompt.has('consent') || known === undefined) return true;
  return (request.offline && !known.offline) || !hasConsented(kit, parties, request.scopes);
}

async function finish(kit: Kit, request: Request, agreed: Agreed): Promise<Reply> {
  const { app, offline, nonce, pkce, redirect, includeGranted } = request;
  const oid = agreed.account.user.oid;
  const parties = { personality: 'google', client: app.client_id, oid } as const;
  const withRefresh = offline && showsConsent(kit, request, parties);
  await consent(kit, parties, { scopes: agreed.scopes, offline });
  const scopes = includeGranted ? (grantOf(kit, parties)?.scopes ?? agreed.scopes) : agreed.scopes;
  const code = mintCode(kit, 'google', {
    client: app.client_id,
    oid,
    redirect,
    scopes,
    authTime: agreed.authTime,
    mfa: agreed.mfa,
    offline: withRefresh,
    ...(nonce === undefined ? {} : { nonce }),
    ...pkce,
  });
  const { hostedDomain } = agreed.account;
  return sendToClient(request, {
    code: `4/0${code}`,
    scope: scopes.join(' '),
    authuser: '0',
    hd: hostedDomain,
    prompt: withRefresh ? 'consent' : 'none',
  });
}

/** Google's sign-in (OpenID Connect Core §3.1.2.1 with `access_type`, `hd` and `include_granted_scopes`). */
export function googleFlow(kit: Kit): SignInFlow<Request> {
  return {
    personality: 'google',
    read: (values) => read(kit, values),
    ask,
    finish: (request, agreed) => finish(kit, request, agreed),
    refuse: (request, why) =>
      sendToClient(request, { error: why === 'declined' ? 'access_denied' : 'interaction_required' }),
  };
}
