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

const MISMATCH = 'The redirect_uri MUST match the registered callback URL for this application.';

/** Shape of a scope; what has another is silently left out, as GitHub does with scopes it does not know. */
const SCOPE = /^[a-z_]{1,40}(:[a-z_]{1,40})?$/;

type Request = Readonly<{
  app: SocialApp;
  redirect: string;
  state: string | undefined;
  scopes: readonly string[];
  hint: string | undefined;
  chooses: boolean;
  pkce: Challenge;
}>;

type Target = Pick<Request, 'app' | 'redirect' | 'state'>;

const send = ({ redirect, state }: Target, fields: Readonly<Record<string, string>>): Reply =>
  sendToClient({ redirect, state, mode: 'query' }, fields);

function refusal(title: string, detail: string, status = 400): Refusal {
  return new Refusal(problemPage(title, detail, status), 'authorize');
}

/** Without a redirect URI the first registered one is used; with a wrong one the refusal goes to that. */
function readTarget(kit: Kit, params: Params): Target {
  const app = kit.app('github', params('client_id'));
  const [registered] = app?.redirect_uris ?? [];
  if (app === undefined || registered === undefined) throw refusal('Not found', 'There is no such app.', 404);
  const target = { app, redirect: registered, state: params('state') };
  const given = params('redirect_uri');
  if (given === undefined) return target;
  if (isRegistered(app.redirect_uris, given)) return { ...target, redirect: given };
  const fields = { error: 'redirect_uri_mismatch', error_description: MISMATCH };
  throw new Refusal(send(target, fields), 'redirect_uri_mismatch');
}

function read(kit: Kit, values: URLSearchParams): Request {
  const { params, repeated } = readParams(values);
  if (repeated !== undefined) throw refusal('Bad request', 'A parameter was given more than once.');
  const target = readTarget(kit, params);
  const pkce = readChallenge(params, ['S256']);
  if (pkce === undefined) throw refusal('Bad request', 'The code_challenge must be S256.');
  // A GitHub App has permissions of its own and takes no scopes.
  const asked = target.app.options?.expiring_tokens ? [] : wordsOf(params('scope'), /[ ,]+/);
  const scopes = asked.filter((scope) => SCOPE.test(scope));
  return {
    ...target,
    scopes,
    hint: params('login') ?? params('login_hint'),
    chooses: params('prompt') === 'select_account',
    pkce,
  };
}

async function finish(kit: Kit, request: Request, agreed: Agreed): Promise<Reply> {
  const { app, redirect, scopes, pkce } = request;
  const oid = agreed.account.user.oid;
  await consent(kit, { personality: 'github', client: app.client_id, oid }, { scopes });
  const { authTime, mfa } = agreed;
  const facts = { client: app.client_id, oid, redirect, scopes, authTime, mfa, offline: false, ...pkce };
  return send(request, { code: mintCode(kit, 'github', facts) });
}

/** GitHub's web application flow. */
export function githubFlow(kit: Kit): SignInFlow<Request> {
  return {
    personality: 'github',
    read: (values) => read(kit, values),
    ask: ({ app, scopes, hint, chooses }) => ({ app, scopes, hint, show: chooses ? 'page' : 'auto' }),
    finish: (request, agreed) => finish(kit, request, agreed),
    refuse: (request) =>
      send(request, {
        error: 'access_denied',
        error_description: 'The user has denied your application access.',
      }),
  };
}
