import type { SocialApp } from '../../directory/social.js';
import { sendToClient } from '../../entra/authorize/respond.js';
import { isRegistered } from '../../entra/redirect_uris.js';
import { type Reply, withHeaders } from '../../http/reply.js';
import { mintCode } from '../kit/codes.js';
import { consent } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import { type Challenge, type Params, readChallenge, readParams } from '../kit/params.js';
import { Refusal } from '../kit/refusal.js';
import type { Agreed, Ask, SignInFlow } from '../kit/sign_in.js';
import { problemPage } from '../kit/sign_in_page.js';
import { wordsOf } from '../kit/text.js';

type Request = Readonly<{
  app: SocialApp;
  redirect: string;
  state: string | undefined;
  scopes: readonly string[];
  authType: string | undefined;
  returnScopes: boolean;
  hint: string | undefined;
  nonce: string | undefined;
  pkce: Challenge;
}>;

function refusal(detail: string): Refusal {
  return new Refusal(problemPage('Facebook Login is not available', detail), 'dialog');
}

function readTarget(kit: Kit, params: Params): Pick<Request, 'app' | 'redirect'> {
  const app = kit.app('facebook', params('client_id'));
  if (app === undefined) throw refusal('Invalid App ID: the app is not known.');
  const redirect = params('redirect_uri');
  if (redirect === undefined || !isRegistered(app.redirect_uris, redirect)) {
    throw refusal('URL blocked: the redirect URI is not among the valid OAuth redirect URIs of the app.');
  }
  return { app, redirect };
}

/** The version segment, where there is one, looks like `v3.3`. */
export function isVersion(segment: string | undefined): boolean {
  return segment === undefined || /^v\d{1,3}(\.\d)?$/.test(segment);
}

function read(kit: Kit, values: URLSearchParams, path: string): Request {
  const [, , version] = path.split('/');
  if (version !== 'dialog' && !isVersion(version)) throw refusal('There is no such version.');
  const { params, repeated } = readParams(values);
  if (repeated !== undefined) throw refusal('A parameter was given more than once.');
  const target = readTarget(kit, params);
  if ((params('response_type') ?? 'code') !== 'code') throw refusal('Invalid response_type.');
  const pkce = readChallenge(params, ['S256', 'plain']);
  if (pkce === undefined) throw refusal('Invalid code_challenge.');
  const scopes = wordsOf(params('scope'), /[ ,]+/);
  if (!scopes.every((scope) => /^[a-z_]{1,60}$/.test(scope))) throw refusal('Invalid Scopes.');
  return {
    ...target,
    state: params('state'),
    scopes: [...new Set(['public_profile', ...scopes])],
    authType: params('auth_type'),
    returnScopes: params('return_scopes') === 'true',
    hint: params('login_hint'),
    nonce: params('nonce'),
    pkce,
  };
}

function ask({ app, scopes, hint, authType }: Request): Ask {
  const again = authType !== undefined && ['rerequest', 'reauthenticate', 'reauthorize'].includes(authType);
  return { app, scopes, hint, show: 'auto', granular: true, remembers: !again };
}

/** Browsers keep a page's fragment over a redirect without one, so Facebook always sends this. */
function withFragment(reply: Reply): Reply {
  const { location } = reply.headers;
  return typeof location === 'string' ? withHeaders(reply, { location: `${location}#_=_` }) : reply;
}

const send = (request: Request, fields: Readonly<Record<string, string | undefined>>): Reply =>
  withFragment(sendToClient({ redirect: request.redirect, mode: 'query', state: request.state }, fields));

async function finish(kit: Kit, request: Request, agreed: Agreed): Promise<Reply> {
  const { app, redirect, nonce, pkce } = request;
  const oid = agreed.account.user.oid;
  // The public profile cannot be left out.
  const scopes = [...new Set(['public_profile', ...agreed.scopes])];
  await consent(kit, { personality: 'facebook', client: app.client_id, oid }, { scopes });
  const code = mintCode(kit, 'facebook', {
    client: app.client_id,
    oid,
    redirect,
    scopes,
    authTime: agreed.authTime,
    mfa: agreed.mfa,
    offline: false,
    ...(nonce === undefined ? {} : { nonce }),
    ...pkce,
  });
  const declined = request.scopes.filter((scope) => !scopes.includes(scope));
  const told = { granted_scopes: scopes.join(','), denied_scopes: declined.join(',') };
  return send(request, { code: `AQ${code}`, ...(request.returnScopes ? told : {}) });
}

/** Facebook's login dialog. */
export function facebookFlow(kit: Kit): SignInFlow<Request> {
  return {
    personality: 'facebook',
    read: (values, path) => read(kit, values, path),
    ask,
    finish: (request, agreed) => finish(kit, request, agreed),
    refuse: (request) =>
      send(request, {
        error: 'access_denied',
        error_code: '200',
        error_description: 'Permissions error',
        error_reason: 'user_denied',
      }),
  };
}
