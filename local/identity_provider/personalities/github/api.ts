import type { SocialApp } from '../../directory/social.js';
import { readBasic } from '../../entra/client_auth.js';
import { headerOf, type Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import type { PathParams } from '../../http/router.js';
import { headerToken } from '../kit/bearer.js';
import { endFamily, endGrant } from '../kit/grants.js';
import { baseOf, hasSecret, type Kit } from '../kit/kit.js';
import type { Account } from '../kit/people.js';
import type { Heard } from '../kit/refusal.js';
import { type Inspected, inspectToken, type LiveToken, partiesOf } from '../kit/tokens.js';
import { apiRefusal } from './errors.js';

function inspectUserToken(kit: Kit, token: string | undefined): Inspected {
  const classic = inspectToken(kit, 'github', { kind: 'access', token });
  return classic.problem === 'malformed' ? inspectToken(kit, 'github', { kind: 'lasting', token }) : classic;
}

/** The API refuses calls without a User-Agent before it looks at anything else. */
function requireAgent(incoming: Incoming): void {
  if (headerOf(incoming, 'user-agent')) return;
  throw apiRefusal(
    403,
    'Request forbidden by administrative rules. Please make sure your request has a User-Agent header.',
  );
}

function requireUser(kit: Kit, incoming: Incoming): LiveToken {
  requireAgent(incoming);
  const token = headerToken(incoming, ['bearer', 'token']);
  if (token === undefined) throw apiRefusal(401, 'Requires authentication');
  const inspected = inspectUserToken(kit, token);
  if (inspected.problem !== undefined) throw apiRefusal(401, 'Bad credentials');
  return inspected.live;
}

function isApp({ app }: LiveToken): boolean {
  return app.options?.expiring_tokens === true;
}

function reads({ facts }: LiveToken, scopes: readonly string[]): boolean {
  return scopes.some((scope) => facts.scopes.includes(scope));
}

function profile(kit: Kit, account: Account, app: SocialApp): Record<string, unknown> {
  const id = Number(account.id(app));
  return {
    login: account.handle,
    id,
    node_id: Buffer.from(`04:User${id}`).toString('base64'),
    avatar_url: `${baseOf(kit, 'github')}/picture/${account.user.oid}`,
    html_url: `${baseOf(kit, 'github')}/${account.handle}`,
    type: 'User',
    site_admin: false,
    name: account.user.name,
  };
}

function withScopes({ facts, app }: LiveToken): Record<string, string> {
  return app.options?.expiring_tokens ? {} : { 'x-oauth-scopes': facts.scopes.join(', ') };
}

/** `GET /user`. The public e-mail address is `null`: users keep it private unless they say otherwise. */
export function user(kit: Kit, incoming: Incoming): Reply {
  const live = requireUser(kit, incoming);
  const body = { ...profile(kit, live.account, live.app), email: null };
  return jsonReply(200, body, withScopes(live));
}

/** `GET /user/emails`, for those who may read them; for others it does not exist. */
export function emails(kit: Kit, incoming: Incoming): Reply {
  const live = requireUser(kit, incoming);
  if (!isApp(live) && !reads(live, ['user', 'user:email'])) throw apiRefusal(404, 'Not Found');
  const { email, emailVerified: verified } = live.account;
  return jsonReply(200, [{ email, primary: true, verified, visibility: 'private' }], withScopes(live));
}

function requireApp(kit: Kit, incoming: Incoming, client: string): SocialApp {
  requireAgent(incoming);
  const basic = readBasic(headerOf(incoming, 'authorization'));
  const app = kit.app('github', client);
  if (app === undefined || basic?.id !== client || !hasSecret(app, basic.secret)) {
    throw apiRefusal(401, 'Bad credentials');
  }
  return app;
}

function bodyToken({ body }: Incoming): string {
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === 'object' && parsed !== null && 'access_token' in parsed) {
      if (typeof parsed.access_token === 'string') return parsed.access_token;
    }
  } catch {
    // the one refusal below is for both
  }
  throw apiRefusal(422, 'Validation Failed');
}

function requireOwnToken(kit: Kit, incoming: Incoming, client: string): LiveToken {
  const app = requireApp(kit, incoming, client);
  const inspected = inspectUserToken(kit, bodyToken(incoming));
  if (inspected.problem !== undefined || inspected.live.app !== app) throw apiRefusal(404, 'Not Found');
  return inspected.live;
}

/** `POST /applications/{client_id}/token`: what a token of the app is. */
export function checkToken(kit: Kit, incoming: Incoming, { client = '' }: PathParams): Reply {
  const { facts, app, account } = requireOwnToken(kit, incoming, client);
  return jsonReply(200, {
    app: { client_id: app.client_id, name: app.name ?? app.client_id },
    scopes: facts.scopes,
    created_at: new Date(facts.issued).toISOString(),
    expires_at: facts.expires === undefined ? null : new Date(facts.expires).toISOString(),
    user: profile(kit, account, app),
  });
}

type Removal = Readonly<{ what: 'token' | 'grant'; client: string; heard: Heard }>;

/** `DELETE /applications/{client_id}/token` ends one token, `…/grant` all the user gave the app. Not RFC 7009. */
export async function remove(kit: Kit, incoming: Incoming, { what, client, heard }: Removal): Promise<Reply> {
  const { facts } = requireOwnToken(kit, incoming, client);
  Object.assign(heard, { client: facts.client, user: facts.oid });
  const parties = partiesOf('github', facts);
  if (what === 'grant') await endGrant(kit, parties);
  else if (facts.family !== undefined) await endFamily(kit, parties, facts.family);
  return { status: 204, headers: {}, body: '' };
}
