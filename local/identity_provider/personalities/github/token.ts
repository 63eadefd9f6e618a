import type { SocialApp } from '../../directory/social.js';
import { readBasic } from '../../entra/client_auth.js';
import { headerOf, type Incoming } from '../../http/incoming.js';
import type { Reply } from '../../http/reply.js';
import type { SocialFamily } from '../../social_state.js';
import { redeemCode } from '../kit/codes.js';
import { addFamily, type Parties, rotateFamily } from '../kit/grants.js';
import { hasSecret, type Kit } from '../kit/kit.js';
import { lifetimesOf } from '../kit/lifetimes.js';
import { formOrQuery, type Params, readParams } from '../kit/params.js';
import type { Heard } from '../kit/refusal.js';
import { inspectToken, mintToken, partiesOf } from '../kit/tokens.js';
import { apiRefusal, githubRefusal, tokenReply } from './errors.js';

/** Tokens of one user, app and scope set that live at once; the oldest is revoked. */
const TOKENS = 10;

type Call = Readonly<{ kit: Kit; app: SocialApp; incoming: Incoming; params: Params; heard: Heard }>;
type Granted = Readonly<{ parties: Parties; scopes: readonly string[]; mfa: boolean; family: SocialFamily }>;
type Fields = Readonly<Record<string, string | number>>;

/** A JSON body is read like a form. */
function values(incoming: Incoming): URLSearchParams {
  if (incoming.contentType !== 'application/json') return formOrQuery(incoming);
  try {
    const body: unknown = JSON.parse(incoming.body);
    if (typeof body !== 'object' || body === null) return new URLSearchParams();
    const texts = Object.entries(body).filter(([, value]) => typeof value === 'string');
    return new URLSearchParams(Object.fromEntries(texts));
  } catch {
    return new URLSearchParams();
  }
}

function authenticate(kit: Kit, incoming: Incoming, params: Params): SocialApp {
  const basic = readBasic(headerOf(incoming, 'authorization'));
  const app = kit.app('github', basic?.id ?? params('client_id'));
  if (app === undefined) throw apiRefusal(404, 'Not Found');
  if (!hasSecret(app, basic?.secret ?? params('client_secret'))) throw githubRefusal(incoming, 'client');
  return app;
}

/** A classic token has no end. An expiring one comes with a refresh token, and both end when that is used. */
function fields({ kit, app }: Call, { parties, scopes, mfa, family }: Granted): Fields {
  const common = { scopes, mfa, family };
  const scope = scopes.join(',');
  if (!app.options?.expiring_tokens) {
    const token = mintToken(kit, parties, { ...common, kind: 'access', seconds: undefined });
    return { access_token: token, scope, token_type: 'bearer' };
  }
  const { access = 0, refresh = 0 } = lifetimesOf(kit, 'github');
  return {
    access_token: mintToken(kit, parties, { ...common, kind: 'lasting', seconds: access }),
    expires_in: access,
    refresh_token: mintToken(kit, parties, { ...common, kind: 'refresh', seconds: refresh }),
    refresh_token_expires_in: refresh,
    scope,
    token_type: 'bearer',
  };
}

async function codeGrant(call: Call): Promise<Fields> {
  const { kit, app, incoming, params, heard } = call;
  const request = { app, code: params('code'), redirect: params('redirect_uri') };
  const redeemed = await redeemCode(kit, { ...request, verifier: params('code_verifier') });
  if (redeemed.problem !== undefined) {
    throw githubRefusal(incoming, redeemed.problem === 'redirect' ? 'redirect' : 'code');
  }
  const { facts, parties } = redeemed;
  heard.user = facts.oid;
  const { scopes, mfa } = facts;
  const family = await addFamily(kit, parties, { scopes, limit: TOKENS, perScopes: true });
  return fields(call, { parties, scopes, mfa, family });
}

async function refreshGrant(call: Call): Promise<Fields> {
  const { kit, app, incoming, params, heard } = call;
  const token = params('refresh_token');
  const inspected = inspectToken(kit, 'github', { kind: 'refresh', token });
  if (inspected.problem !== undefined) throw githubRefusal(incoming, 'refresh');
  const { facts } = inspected.live;
  if (facts.client !== app.client_id || facts.family === undefined) throw githubRefusal(incoming, 'refresh');
  heard.user = facts.oid;
  const parties = partiesOf('github', facts);
  const family = await rotateFamily(kit, parties, facts.family);
  if (family === undefined) throw githubRefusal(incoming, 'refresh');
  return fields(call, { parties, scopes: facts.scopes, mfa: facts.mfa, family });
}

/** GitHub's token endpoint. `grant_type` is only needed to refresh. */
export async function githubToken(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const { params, repeated } = readParams(values(incoming));
  if (repeated !== undefined) throw githubRefusal(incoming, 'repeated');
  const app = authenticate(kit, incoming, params);
  heard.client = app.client_id;
  const grant = params('grant_type') ?? 'authorization_code';
  if (grant !== 'authorization_code' && grant !== 'refresh_token') {
    throw githubRefusal(incoming, 'grantType');
  }
  heard.grant = grant;
  const call = { kit, app, incoming, params, heard };
  return tokenReply(incoming, await (grant === 'refresh_token' ? refreshGrant(call) : codeGrant(call)));
}
