import type { SocialApp } from '../../directory/social.js';
import { readBasic } from '../../entra/client_auth.js';
import { headerOf, type Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import { type CodeProblem, redeemCode } from '../kit/codes.js';
import { addFamily, type Parties, touchFamily } from '../kit/grants.js';
import { hasSecret, type Kit } from '../kit/kit.js';
import { lifetimesOf } from '../kit/lifetimes.js';
import { type Params, readParams } from '../kit/params.js';
import type { Account } from '../kit/people.js';
import type { Heard } from '../kit/refusal.js';
import { wordsOf } from '../kit/text.js';
import { inspectToken, mintToken, partiesOf } from '../kit/tokens.js';
import { googleIdToken } from './claims.js';
import { type GoogleCause, googleRefusal, refreshCause } from './errors.js';
import { isProfileOnly, longNames } from './scopes.js';

/** Live refresh tokens per account and client; the oldest silently ends. */
const REFRESH_TOKENS = 100;
const TESTING_SECONDS = 7 * 24 * 3600;

const CODE_CAUSES: Readonly<Record<CodeProblem, GoogleCause>> = {
  malformed: 'malformedCode',
  foreign: 'spentCode',
  used: 'spentCode',
  expired: 'spentCode',
  account: 'spentCode',
  redirect: 'redirect',
  verifier: 'verifierWrong',
};

type Call = Readonly<{ kit: Kit; app: SocialApp; params: Params; heard: Heard }>;

/** Authenticates the client by HTTP Basic or by `client_id` and `client_secret` in the form. */
function authenticate(kit: Kit, incoming: Incoming, params: Params): SocialApp {
  const basic = readBasic(headerOf(incoming, 'authorization'));
  const app = kit.app('google', basic?.id ?? params('client_id'));
  if (app === undefined) throw googleRefusal('unknownClient');
  if (!hasSecret(app, basic?.secret ?? params('client_secret'))) throw googleRefusal('wrongSecret');
  return app;
}

type Granted = Readonly<{
  parties: Parties;
  account: Account;
  scopes: readonly string[];
  mfa: boolean;
  nonce?: string | undefined;
}>;

async function tokenBody({ kit, app }: Call, granted: Granted): Promise<Record<string, unknown>> {
  const { parties, account, scopes, mfa, nonce } = granted;
  const seconds = lifetimesOf(kit, 'google').access;
  const accessToken = mintToken(kit, parties, { kind: 'access', scopes, mfa, seconds });
  return {
    access_token: accessToken,
    expires_in: seconds,
    scope: scopes.join(' '),
    token_type: 'Bearer',
    ...(scopes.includes('openid')
      ? { id_token: await googleIdToken(kit, { app, account, scopes, accessToken, nonce }) }
      : {}),
  };
}

function refreshSeconds({ kit, app }: Call, scopes: readonly string[]): number | undefined {
  const usual = lifetimesOf(kit, 'google').refresh;
  const short = app.options?.testing === true && !isProfileOnly(scopes);
  return short ? Math.min(TESTING_SECONDS, usual ?? TESTING_SECONDS) : undefined;
}

async function newRefreshToken(call: Call, { parties, scopes, mfa }: Granted): Promise<object> {
  const family = await addFamily(call.kit, parties, { scopes, limit: REFRESH_TOKENS });
  const seconds = refreshSeconds(call, scopes);
  const token = mintToken(call.kit, parties, { kind: 'refresh', scopes, mfa, seconds, family });
  return {
    refresh_token: token,
    ...(seconds === undefined ? {} : { refresh_token_expires_in: seconds - 1 }),
  };
}

async function codeGrant(call: Call): Promise<object> {
  const { kit, app, params, heard } = call;
  if (params('code') === undefined) throw googleRefusal('missingCode');
  const redirect = params('redirect_uri');
  if (redirect === undefined) throw googleRefusal('missingRedirect');
  const code = params('code')?.replace(/^4\/0/, '');
  const verifier = params('code_verifier');
  const redeemed = await redeemCode(kit, { app, code, redirect, verifier });
  if (redeemed.problem !== undefined) {
    const missing = redeemed.problem === 'verifier' && verifier === undefined;
    throw googleRefusal(missing ? 'verifierMissing' : CODE_CAUSES[redeemed.problem]);
  }
  const { facts, account, parties } = redeemed;
  heard.user = facts.oid;
  const granted = { parties, account, scopes: facts.scopes, mfa: facts.mfa, nonce: facts.nonce };
  const body = await tokenBody(call, granted);
  return facts.offline ? { ...body, ...(await newRefreshToken(call, granted)) } : body;
}

/** Idle refresh tokens end after six months without use. */
function isIdle(kit: Kit, issued: number): boolean {
  const seconds = lifetimesOf(kit, 'google').refresh ?? Number.POSITIVE_INFINITY;
  return issued + seconds * 1000 <= kit.core.now();
}

function narrowed(params: Params, held: readonly string[]): readonly string[] {
  const asked = longNames(wordsOf(params('scope')));
  if (asked.length === 0) return held;
  if (asked.some((scope) => !held.includes(scope))) throw googleRefusal('scope');
  return asked;
}

/** The same refresh token stays good for ever; the answer never has another. `scope` narrows the access token. */
async function refreshGrant(call: Call): Promise<object> {
  const { kit, app, params, heard } = call;
  const token = params('refresh_token');
  if (token === undefined) throw googleRefusal('missingRefresh');
  const inspected = inspectToken(kit, 'google', { kind: 'refresh', token });
  const facts = inspected.problem === undefined ? inspected.live.facts : inspected.facts;
  if (facts !== undefined) heard.user = facts.oid;
  if (facts !== undefined && facts.client !== app.client_id) throw googleRefusal('foreign');
  if (inspected.problem !== undefined) throw googleRefusal(refreshCause(inspected.problem));
  const { account, family } = inspected.live;
  if (family === undefined || isIdle(kit, family.issued)) throw googleRefusal('expired');
  const parties = partiesOf('google', inspected.live.facts);
  const scopes = narrowed(params, inspected.live.facts.scopes);
  heard.scope = scopes.join(' ');
  await touchFamily(kit, parties, family.id);
  return tokenBody(call, { parties, account, scopes, mfa: inspected.live.facts.mfa });
}

/** Google's token endpoint. */
export async function googleToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { params, repeated } = readParams(incoming.form ?? new URLSearchParams());
  if (repeated !== undefined) throw googleRefusal('repeated');
  const grant = params('grant_type');
  if (grant !== 'authorization_code' && grant !== 'refresh_token') throw googleRefusal('grantType');
  heard.grant = grant;
  const app = authenticate(kit, incoming, params);
  heard.client = app.client_id;
  const call = { kit, app, params, heard };
  return jsonReply(200, await (grant === 'refresh_token' ? refreshGrant(call) : codeGrant(call)));
}
