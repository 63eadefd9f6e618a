import type { SocialApp } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import { type CodeProblem, redeemCode } from '../kit/codes.js';
import { hasSecret, type Kit } from '../kit/kit.js';
import { lifetimesOf } from '../kit/lifetimes.js';
import { everything, type Params, readParams } from '../kit/params.js';
import type { Heard } from '../kit/refusal.js';
import { mintToken, partiesOf } from '../kit/tokens.js';
import { inspectUserToken, liveScopes } from './access.js';
import { type FacebookCause, facebookRefusal, graphRefusal, tokenError } from './errors.js';

const CODE_CAUSES: Readonly<Record<CodeProblem, FacebookCause>> = {
  malformed: 'malformedCode',
  foreign: 'malformedCode',
  used: 'usedCode',
  expired: 'expiredCode',
  account: 'expiredCode',
  redirect: 'redirect',
  verifier: 'verifier',
};

type Call = Readonly<{ kit: Kit; app: SocialApp; params: Params; heard: Heard }>;

/** A code gives a short-lived token. */
async function codeGrant({ kit, app, params, heard }: Call): Promise<object> {
  const redirect = params('redirect_uri');
  if (redirect === undefined) throw facebookRefusal('missingRedirect');
  const given = params('code');
  if (given === undefined) throw facebookRefusal('missingCode');
  const code = given.replace(/^AQ/, '');
  const redeemed = await redeemCode(kit, { app, code, redirect, verifier: params('code_verifier') });
  if (redeemed.problem !== undefined) throw facebookRefusal(CODE_CAUSES[redeemed.problem]);
  const { facts, parties } = redeemed;
  heard.user = facts.oid;
  const seconds = lifetimesOf(kit, 'facebook').access;
  const { scopes, mfa } = facts;
  const token = mintToken(kit, parties, { kind: 'access', scopes, mfa, seconds });
  return { access_token: token, token_type: 'bearer', expires_in: seconds };
}

/** A token that still works, short or long, gives a new one of about 60 days. One that expired gives nothing. */
function exchangeGrant({ kit, app, params, heard }: Call): object {
  const given = params('fb_exchange_token');
  if (given === undefined) throw facebookRefusal('missingExchange');
  const inspected = inspectUserToken(kit, given);
  if (inspected.problem !== undefined) {
    if (inspected.facts !== undefined) heard.user = inspected.facts.oid;
    throw graphRefusal(tokenError(inspected.problem, inspected.facts, kit.core.now()));
  }
  const { facts } = inspected.live;
  if (facts.client !== app.client_id) throw facebookRefusal('otherApp');
  heard.user = facts.oid;
  const seconds = lifetimesOf(kit, 'facebook').refresh;
  const token = mintToken(kit, partiesOf('facebook', facts), {
    kind: 'lasting',
    scopes: liveScopes(inspected.live),
    mfa: facts.mfa,
    seconds,
  });
  return { access_token: token, token_type: 'bearer', expires_in: seconds };
}

/** Facebook's token endpoint, by query or form: no refresh token anywhere, only the exchange of a live token. */
export async function facebookToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { params } = readParams(everything(incoming));
  const grant = params('grant_type') ?? 'authorization_code';
  if (grant !== 'authorization_code' && grant !== 'fb_exchange_token') throw facebookRefusal('grantType');
  heard.grant = grant;
  const app = kit.app('facebook', params('client_id'));
  if (app === undefined) throw facebookRefusal('unknownApp');
  if (!hasSecret(app, params('client_secret'))) throw facebookRefusal('wrongSecret');
  heard.client = app.client_id;
  const call = { kit, app, params, heard };
  return jsonReply(200, await (grant === 'fb_exchange_token' ? exchangeGrant(call) : codeGrant(call)));
}
