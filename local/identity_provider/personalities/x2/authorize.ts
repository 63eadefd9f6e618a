import type { SocialApp } from '../../directory/social.js';
import { sendToClient } from '../../entra/authorize/respond.js';
import { isRegistered } from '../../entra/redirect_uris.js';
import type { Reply } from '../../http/reply.js';
import { mintCode } from '../kit/codes.js';
import { consent } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import { type Challenge, type Params, readChallenge, readParams } from '../kit/params.js';
import { Refusal } from '../kit/refusal.js';
import type { Agreed, SignInFlow } from '../kit/sign_in.js';
import { problemPage } from '../kit/sign_in_page.js';
import { wordsOf } from '../kit/text.js';

const SCOPES: ReadonlySet<string> = new Set(
  'tweet.read tweet.write tweet.moderate.write users.email users.read follows.read follows.write offline.access space.read mute.read mute.write like.read like.write list.read list.write block.read block.write bookmark.read bookmark.write dm.read dm.write media.write'.split(
    ' ',
  ),
);

type Request = Readonly<{
  app: SocialApp;
  redirect: string;
  state: string;
  scopes: readonly string[];
  hint: string | undefined;
  pkce: Challenge;
}>;

function refusal(detail: string): Refusal {
  return new Refusal(
    problemPage('Something went wrong', `You weren’t able to give access to the App. ${detail}`),
    'authorize',
  );
}

function required(params: Params, name: string): string {
  const value = params(name);
  if (value === undefined) throw refusal(`The parameter ${name} is missing.`);
  return value;
}

function read(kit: Kit, values: URLSearchParams): Request {
  const { params, repeated } = readParams(values);
  if (repeated !== undefined) throw refusal('A parameter was given more than once.');
  const app = kit.app('x2', params('client_id'));
  if (app === undefined) throw refusal('The app is not known.');
  const redirect = required(params, 'redirect_uri');
  if (!isRegistered(app.redirect_uris, redirect)) throw refusal('The callback URL is not registered.');
  if (required(params, 'response_type') !== 'code') throw refusal('The response_type must be code.');
  const scopes = wordsOf(required(params, 'scope'));
  if (!scopes.every((scope) => SCOPES.has(scope))) throw refusal('A scope is not known.');
  required(params, 'code_challenge');
  const pkce = readChallenge(params, ['S256', 'plain']);
  if (pkce === undefined) throw refusal('The code_challenge is not well formed.');
  return { app, redirect, state: required(params, 'state'), scopes, hint: params('login_hint'), pkce };
}

async function finish(kit: Kit, request: Request, agreed: Agreed): Promise<Reply> {
  const { app, redirect, pkce } = request;
  const { scopes, authTime, mfa } = agreed;
  const oid = agreed.account.user.oid;
  const offline = scopes.includes('offline.access');
  await consent(kit, { personality: 'x2', client: app.client_id, oid }, { scopes, offline });
  const facts = { client: app.client_id, oid, redirect, scopes, authTime, mfa, offline, ...pkce };
  return sendToClient({ ...request, mode: 'query' }, { code: mintCode(kit, 'x2', facts) });
}

/** X's OAuth 2.0 sign-in: PKCE and `state` are required of every app. */
export function xFlow(kit: Kit): SignInFlow<Request> {
  return {
    personality: 'x2',
    read: (values) => read(kit, values),
    ask: ({ app, scopes, hint }) => ({ app, scopes, hint, show: 'auto' }),
    finish: (request, agreed) => finish(kit, request, agreed),
    refuse: (request) => sendToClient({ ...request, mode: 'query' }, { error: 'access_denied' }),
  };
}
