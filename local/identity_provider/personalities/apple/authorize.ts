import type { SocialApp } from '../../directory/social.js';
import { sendToClient } from '../../entra/authorize/respond.js';
import { isRegistered } from '../../entra/redirect_uris.js';
import type { Reply } from '../../http/reply.js';
import { mintCode } from '../kit/codes.js';
import { consent, grantOf } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import { type Challenge, type Params, readChallenge, readParams } from '../kit/params.js';
import type { Agreed, SignInFlow } from '../kit/sign_in.js';
import { wordsOf } from '../kit/text.js';
import { appleIdToken, emailFor } from './claims.js';
import { applePage } from './errors.js';

const MODES = ['query', 'fragment', 'form_post'] as const;
type Mode = (typeof MODES)[number];

type Request = Readonly<{
  app: SocialApp;
  redirect: string;
  mode: Mode;
  state: string | undefined;
  hybrid: boolean;
  scopes: readonly string[];
  hint: string | undefined;
  nonce: string | undefined;
  pkce: Challenge;
}>;

function readTarget(kit: Kit, params: Params): Pick<Request, 'app' | 'redirect'> {
  const app = kit.app('apple', params('client_id'));
  if (app === undefined) throw applePage('invalid_client', 'The client is not known.');
  const redirect = params('redirect_uri');
  if (redirect === undefined || !isRegistered(app.redirect_uris, redirect)) {
    throw applePage('invalid_request', 'Invalid web redirect url.');
  }
  return { app, redirect };
}

function readHybrid(params: Params): boolean {
  const type = [...wordsOf(params('response_type'))].sort().join(' ');
  if (type !== 'code' && type !== 'code id_token') {
    throw applePage('unsupported_response_type', 'The response_type must be code or code id_token.');
  }
  return type !== 'code';
}

function readMode(params: Params, { scopes, hybrid }: Pick<Request, 'scopes' | 'hybrid'>): Mode {
  const given = params('response_mode');
  const mode = MODES.find((one) => one === (given ?? (hybrid ? 'fragment' : 'query')));
  const discloses = scopes.includes('name') || scopes.includes('email');
  if (discloses && mode !== 'form_post') {
    throw applePage(
      'invalid_request',
      'response_mode must be form_post when name or email scope is requested.',
    );
  }
  if (mode === undefined || (hybrid && mode === 'query')) {
    throw applePage('invalid_request', 'Invalid response_mode.');
  }
  return mode;
}

function read(kit: Kit, values: URLSearchParams): Request {
  const { params, repeated } = readParams(values);
  if (repeated !== undefined) throw applePage('invalid_request', 'A parameter was given more than once.');
  const target = readTarget(kit, params);
  const scopes = wordsOf(params('scope'));
  if (!scopes.every((scope) => ['openid', 'name', 'email'].includes(scope))) {
    throw applePage('invalid_scope', 'The scopes are name and email.');
  }
  const hybrid = readHybrid(params);
  const pkce = readChallenge(params, ['S256', 'plain']);
  if (pkce === undefined) throw applePage('invalid_request', 'Invalid code_challenge.');
  return {
    ...target,
    mode: readMode(params, { scopes, hybrid }),
    state: params('state'),
    hybrid,
    scopes,
    hint: params('login_hint'),
    nonce: params('nonce'),
    pkce,
  };
}

/** The `user` member, which the app gets at the first consent and never again. */
function userMember({ app, scopes }: Request, { account }: Agreed): string {
  const { givenName: firstName, familyName: lastName } = account;
  return JSON.stringify({
    ...(scopes.includes('name') ? { name: { firstName, lastName } } : {}),
    ...(scopes.includes('email') ? { email: emailFor(account, app).email } : {}),
  });
}

async function finish(kit: Kit, request: Request, agreed: Agreed): Promise<Reply> {
  const { app, redirect, scopes, nonce, pkce, hybrid } = request;
  const { account, authTime, mfa } = agreed;
  const oid = account.user.oid;
  const parties = { personality: 'apple', client: app.client_id, oid } as const;
  const isFirst = grantOf(kit, parties) === undefined;
  await consent(kit, parties, { scopes, offline: true });
  const held = grantOf(kit, parties)?.scopes ?? scopes;
  const bound = nonce === undefined ? {} : { nonce };
  const facts = { client: app.client_id, oid, redirect, scopes: held, authTime, mfa, ...bound, ...pkce };
  const code = `c${mintCode(kit, 'apple', { ...facts, offline: true })}`;
  const token = { app, account, scopes: held, authTime, nonce, code };
  return sendToClient(request, {
    code,
    id_token: hybrid ? await appleIdToken(kit, token) : undefined,
    user: isFirst && scopes.some((scope) => scope !== 'openid') ? userMember(request, agreed) : undefined,
  });
}

/** Sign in with Apple. */
export function appleFlow(kit: Kit): SignInFlow<Request> {
  return {
    personality: 'apple',
    read: (values) => read(kit, values),
    ask: ({ app, scopes, hint }) => ({ app, scopes, hint, show: 'auto' }),
    finish: (request, agreed) => finish(kit, request, agreed),
    refuse: (request) => sendToClient(request, { error: 'user_cancelled_authorize' }),
  };
}
