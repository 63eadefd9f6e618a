import type { SocialApp } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import { type CodeProblem, redeemCode } from '../kit/codes.js';
import { addFamily, endGrant, type Parties, touchFamily } from '../kit/grants.js';
import type { Kit } from '../kit/kit.js';
import { lifetimesOf } from '../kit/lifetimes.js';
import { type Params, readParams } from '../kit/params.js';
import type { Account } from '../kit/people.js';
import type { Heard } from '../kit/refusal.js';
import { inspectToken, mintToken, partiesOf } from '../kit/tokens.js';
import { appleIdToken } from './claims.js';
import { authenticateApp } from './client_secret.js';
import { type AppleCause, appleRefusal } from './errors.js';

/** Sign-ins of one user at one app that are remembered; the oldest ends. */
const FAMILIES = 100;
const DAY_MS = 24 * 3600 * 1000;

const CODE_CAUSES: Readonly<Record<CodeProblem, AppleCause>> = {
  malformed: 'code',
  foreign: 'foreign',
  used: 'usedCode',
  expired: 'code',
  account: 'code',
  redirect: 'redirect',
  verifier: 'code',
};

type Call = Readonly<{ kit: Kit; app: SocialApp; params: Params; heard: Heard }>;
type Granted = Readonly<{
  parties: Parties;
  account: Account;
  scopes: readonly string[];
  mfa: boolean;
  authTime: number;
  nonce?: string | undefined;
}>;

async function body({ kit, app }: Call, granted: Granted): Promise<Record<string, unknown>> {
  const { parties, scopes, mfa } = granted;
  const seconds = lifetimesOf(kit, 'apple').access;
  const accessToken = mintToken(kit, parties, { kind: 'access', scopes, mfa, seconds });
  const idToken = await appleIdToken(kit, { app, accessToken, ...granted });
  return { access_token: accessToken, token_type: 'Bearer', expires_in: seconds, id_token: idToken };
}

async function codeGrant(call: Call): Promise<object> {
  const { kit, app, params, heard } = call;
  const code = params('code')?.replace(/^c/, '');
  const request = { app, code, redirect: params('redirect_uri'), verifier: params('code_verifier') };
  const redeemed = await redeemCode(kit, request);
  if (redeemed.problem !== undefined) throw appleRefusal(CODE_CAUSES[redeemed.problem]);
  const { facts, account, parties } = redeemed;
  heard.user = facts.oid;
  const { scopes, mfa, authTime, nonce } = facts;
  const family = await addFamily(kit, parties, { scopes, limit: FAMILIES });
  const seconds = lifetimesOf(kit, 'apple').refresh;
  const refresh = mintToken(kit, parties, { kind: 'refresh', scopes, mfa, seconds, family });
  const first = await body(call, { parties, account, scopes, mfa, authTime, nonce });
  return { ...first, refresh_token: refresh };
}

/** The refresh token stays as it is. It is meant for one check a day that the user still wants the app. */
async function refreshGrant(call: Call): Promise<object> {
  const { kit, app, params, heard } = call;
  const token = params('refresh_token');
  const inspected = inspectToken(kit, 'apple', { kind: 'refresh', token });
  if (inspected.problem !== undefined) throw appleRefusal('token');
  const { facts, account, family } = inspected.live;
  if (facts.client !== app.client_id || family === undefined) throw appleRefusal('foreign');
  heard.user = facts.oid;
  const used = family.issued > family.started && kit.core.now() - family.issued < DAY_MS;
  if (app.options?.throttle_refresh && used) throw appleRefusal('throttled');
  const parties = partiesOf('apple', facts);
  await touchFamily(kit, parties, family.id);
  const { scopes, mfa, issued: authTime } = facts;
  return body(call, { parties, account, scopes, mfa, authTime });
}

/** Apple's token endpoint. */
export async function appleToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { params, repeated } = readParams(incoming.form ?? new URLSearchParams());
  if (repeated !== undefined) throw appleRefusal('repeated');
  const app = await authenticateApp(kit, params);
  heard.client = app.client_id;
  const grant = params('grant_type');
  if (grant === undefined) throw appleRefusal('request');
  if (grant !== 'authorization_code' && grant !== 'refresh_token') throw appleRefusal('grantType');
  heard.grant = grant;
  const call = { kit, app, params, heard };
  return jsonReply(200, await (grant === 'refresh_token' ? refreshGrant(call) : codeGrant(call)));
}

/** Revocation in the manner of RFC 7009, by either token. It ends the user's whole permission to the app. */
export async function appleRevoke(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { params, repeated } = readParams(incoming.form ?? new URLSearchParams());
  if (repeated !== undefined) throw appleRefusal('repeated');
  const app = await authenticateApp(kit, params);
  heard.client = app.client_id;
  const token = params('token');
  if (token === undefined) throw appleRefusal('request');
  for (const kind of ['refresh', 'access'] as const) {
    const inspected = inspectToken(kit, 'apple', { kind, token });
    if (inspected.problem !== undefined || inspected.live.app !== app) continue;
    heard.user = inspected.live.facts.oid;
    await endGrant(kit, partiesOf('apple', inspected.live.facts));
  }
  return { status: 200, headers: { 'cache-control': 'no-store' }, body: '' };
}
