import type { SocialApp } from '../../directory/social.js';
import { sendToClient } from '../../entra/authorize/respond.js';
import { escapeHtml, htmlReply } from '../../http/html.js';
import type { Reply } from '../../http/reply.js';
import { consent } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import { readParams } from '../kit/params.js';
import { Refusal } from '../kit/refusal.js';
import { isSpent } from '../kit/replay.js';
import type { Agreed, SignInFlow } from '../kit/sign_in.js';
import { problemPage } from '../kit/sign_in_page.js';
import { mintVerifier, openRequestToken, type RequestToken } from './request_token.js';

type Request = Readonly<{
  app: SocialApp;
  token: string;
  facts: RequestToken;
  hint: string | undefined;
  remembers: boolean;
}>;

function refusal(detail: string): Refusal {
  return new Refusal(problemPage('Whoa there!', detail), 'authorize');
}

function read(kit: Kit, values: URLSearchParams, path: string): Request {
  const { params, repeated } = readParams(values);
  const token = params('oauth_token');
  const facts = repeated === undefined ? openRequestToken(kit, token) : undefined;
  const app = facts && kit.app('twitter', facts.client);
  if (token === undefined || facts === undefined || app === undefined || isSpent(kit, facts.id)) {
    throw refusal('There is no request token for this page. It was used, has expired, or never was one.');
  }
  const hint = params('screen_name') ?? params('login_hint');
  // `authorize` asks every time, `authenticate` only who has not agreed yet.
  const remembers = path.endsWith('/authenticate') && params('force_login') !== 'true';
  return { app, token, facts, hint, remembers };
}

const back = ({ facts }: Request, fields: Readonly<Record<string, string>>): Reply =>
  sendToClient({ redirect: facts.callback, mode: 'query', state: undefined }, fields);

async function finish(kit: Kit, request: Request, { account }: Agreed): Promise<Reply> {
  const { app, token, facts } = request;
  const { oid } = account.user;
  await consent(kit, { personality: 'twitter', client: app.client_id, oid }, { scopes: [], offline: true });
  const verifier = mintVerifier(kit, { request: facts.id, oid, issued: kit.core.now() });
  if (facts.callback !== 'oob') return back(request, { oauth_token: token, oauth_verifier: verifier });
  const main = `<h1>You are almost there</h1><p>Give this code to the app:</p><p><code>${escapeHtml(verifier)}</code></p>`;
  return htmlReply({ title: 'Code for the app', main });
}

/** Twitter's `authenticate` and `authorize` pages (RFC 5849 §2.2). */
export function twitterFlow(kit: Kit): SignInFlow<Request> {
  return {
    personality: 'twitter',
    read: (values, path) => read(kit, values, path),
    ask: ({ app, hint, remembers }) => ({ app, scopes: [], hint, show: 'auto', remembers }),
    finish: (request, agreed) => finish(kit, request, agreed),
    refuse: (request) => {
      if (request.facts.callback === 'oob') throw refusal('The app was not let in.');
      return back(request, { denied: request.token });
    },
  };
}
