import type { SocialApp } from '../../directory/social.js';
import { readBasic } from '../../entra/client_auth.js';
import { headerOf, type Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import type { SocialFamily } from '../../social_state.js';
import { type CodeProblem, redeemCode } from '../kit/codes.js';
import { addFamily, endFamily, type Parties, rotateFamily } from '../kit/grants.js';
import { hasSecret, type Kit } from '../kit/kit.js';
import { lifetimesOf } from '../kit/lifetimes.js';
import { type Params, readParams } from '../kit/params.js';
import type { Heard } from '../kit/refusal.js';
import { inspectToken, mintToken, partiesOf, type TokenFacts } from '../kit/tokens.js';
import { type XCause, xRefusal } from './errors.js';

/** Sign-ins of one user at one app that are remembered; the oldest ends. */
const FAMILIES = 100;

const CODE_CAUSES: Readonly<Record<CodeProblem, XCause>> = {
  malformed: 'code',
  foreign: 'code',
  used: 'code',
  expired: 'code',
  account: 'code',
  redirect: 'redirect',
  verifier: 'verifier',
};

type Call = Readonly<{ kit: Kit; app: SocialApp; params: Params; heard: Heard }>;
type Granted = Readonly<{ parties: Parties; scopes: readonly string[]; mfa: boolean; family: SocialFamily }>;

/** A confidential client proves itself by HTTP Basic only; a public one names itself in the form. */
function authenticate(kit: Kit, incoming: Incoming, params: Params): SocialApp {
  const header = headerOf(incoming, 'authorization');
  const basic = readBasic(header);
  const app = kit.app('x2', basic?.id ?? params('client_id'));
  if (header !== undefined) {
    if (app === undefined || !hasSecret(app, basic?.secret)) throw xRefusal('client');
    return app;
  }
  if (params('client_id') === undefined) throw xRefusal('clientId');
  if (app === undefined || app.secret !== undefined) throw xRefusal('client');
  return app;
}

function body(kit: Kit, { parties, scopes, mfa, family }: Granted): object {
  const { access, refresh } = lifetimesOf(kit, 'x2');
  const common = { scopes, mfa, family };
  // Without a serial: the access token outlives the refresh that follows, but not the end of the line.
  const line = { ...common, family: { id: family.id } };
  const offline = scopes.includes('offline.access');
  return {
    token_type: 'bearer',
    expires_in: access,
    access_token: mintToken(kit, parties, { ...line, kind: 'access', seconds: access }),
    scope: scopes.join(' '),
    ...(offline
      ? { refresh_token: mintToken(kit, parties, { ...common, kind: 'refresh', seconds: refresh }) }
      : {}),
  };
}

async function codeGrant({ kit, app, params, heard }: Call): Promise<object> {
  if (params('code') === undefined) throw xRefusal('codeMissing');
  const redirect = params('redirect_uri');
  if (redirect === undefined) throw xRefusal('redirectMissing');
  const verifier = params('code_verifier');
  if (verifier === undefined) throw xRefusal('verifierMissing');
  const redeemed = await redeemCode(kit, { app, code: params('code'), redirect, verifier });
  if (redeemed.problem !== undefined) throw xRefusal(CODE_CAUSES[redeemed.problem]);
  const { facts, parties } = redeemed;
  heard.user = facts.oid;
  const { scopes, mfa } = facts;
  const family = await addFamily(kit, parties, { scopes, limit: FAMILIES });
  return body(kit, { parties, scopes, mfa, family });
}

/** A spent refresh token shown again ends its whole line: whoever holds the newest may not be who should. */
async function reused(kit: Kit, facts: TokenFacts): Promise<void> {
  if (facts.family === undefined) return;
  await endFamily(kit, partiesOf('x2', facts), facts.family);
  kit.core.log('warn', 'refresh token reused', { personality: 'x2', user: facts.oid, client: facts.client });
}

async function refreshGrant({ kit, app, params, heard }: Call): Promise<object> {
  const token = params('refresh_token');
  if (token === undefined) throw xRefusal('refreshMissing');
  const inspected = inspectToken(kit, 'x2', { kind: 'refresh', token });
  const facts = inspected.problem === undefined ? inspected.live.facts : inspected.facts;
  if (facts === undefined || facts.client !== app.client_id) throw xRefusal('token');
  heard.user = facts.oid;
  if (inspected.problem === 'superseded') await reused(kit, facts);
  if (inspected.problem !== undefined || facts.family === undefined) throw xRefusal('token');
  const parties = partiesOf('x2', facts);
  const family = await rotateFamily(kit, parties, facts.family);
  if (family === undefined) throw xRefusal('token');
  heard.scope = facts.scopes.join(' ');
  return body(kit, { parties, scopes: facts.scopes, mfa: facts.mfa, family });
}

/** X's OAuth 2.0 token endpoint: access tokens of 2 hours, refresh tokens that count once. */
export async function xToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { params, repeated } = readParams(incoming.form ?? new URLSearchParams());
  if (repeated !== undefined) throw xRefusal('repeated');
  const grant = params('grant_type');
  if (grant === undefined) throw xRefusal('grantMissing');
  if (grant !== 'authorization_code' && grant !== 'refresh_token') throw xRefusal('grantType');
  heard.grant = grant;
  const app = authenticate(kit, incoming, params);
  heard.client = app.client_id;
  const call = { kit, app, params, heard };
  return jsonReply(200, await (grant === 'refresh_token' ? refreshGrant(call) : codeGrant(call)));
}

/** Revocation in the manner of RFC 7009: either token ends the line it belongs to. */
export async function xRevoke(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { params, repeated } = readParams(incoming.form ?? new URLSearchParams());
  if (repeated !== undefined) throw xRefusal('repeated');
  const app = authenticate(kit, incoming, params);
  heard.client = app.client_id;
  const token = params('token');
  if (token === undefined) throw xRefusal('tokenMissing');
  for (const kind of ['refresh', 'access'] as const) {
    const inspected = inspectToken(kit, 'x2', { kind, token });
    if (inspected.problem !== undefined || inspected.live.app.client_id !== app.client_id) continue;
    const { facts } = inspected.live;
    heard.user = facts.oid;
    if (facts.family !== undefined) await endFamily(kit, partiesOf('x2', facts), facts.family);
  }
  return jsonReply(200, { revoked: true });
}
