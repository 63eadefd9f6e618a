import { stringClaim, verifyOwnToken } from '../../entra/verify_own.js';
import type { Incoming } from '../../http/incoming.js';
import { jsonReply, type Reply } from '../../http/reply.js';
import { headerToken } from '../kit/bearer.js';
import { endGrant } from '../kit/grants.js';
import { baseOf, type Kit } from '../kit/kit.js';
import { everything } from '../kit/params.js';
import { type Heard, Refusal } from '../kit/refusal.js';
import { type Inspected, inspectToken, type LiveToken, partiesOf } from '../kit/tokens.js';
import { profileClaims } from './claims.js';
import { googleRefusal } from './errors.js';
import { EMAIL } from './scopes.js';

function accessTokenInfo({ core }: Kit, { facts, app, account, grant }: LiveToken): object {
  const exp = Math.floor((facts.expires ?? 0) / 1000);
  return {
    azp: app.client_id,
    aud: app.client_id,
    sub: account.id(app),
    scope: facts.scopes.join(' '),
    exp: String(exp),
    expires_in: String(Math.max(0, exp - Math.floor(core.now() / 1000))),
    ...(facts.scopes.includes(EMAIL)
      ? { email: account.email, email_verified: String(account.emailVerified) }
      : {}),
    access_type: grant.offline ? 'offline' : 'online',
  };
}

async function idTokenInfo(kit: Kit, idToken: string): Promise<object> {
  const checked = await verifyOwnToken(kit.core, idToken);
  if (checked.problem !== undefined) throw googleRefusal('infoInvalid');
  const { claims } = checked;
  const mine = claims.iss === baseOf(kit, 'google') && kit.app('google', stringClaim(claims, 'aud'));
  if (!mine) throw googleRefusal('infoInvalid');
  const texts = Object.entries(claims).map(([name, value]) => [name, String(value)]);
  return { ...Object.fromEntries(texts), alg: 'RS256', typ: 'JWT' };
}

/** Tells what an access token or an ID token stands for; every value is a string. */
export async function googleTokenInfo(kit: Kit, incoming: Incoming): Promise<Reply> {
  const values = everything(incoming);
  const idToken = values.get('id_token');
  if (idToken) return jsonReply(200, await idTokenInfo(kit, idToken));
  const token = values.get('access_token') ?? undefined;
  const inspected = inspectToken(kit, 'google', { kind: 'access', token });
  if (inspected.problem !== undefined) throw googleRefusal('infoInvalid');
  return jsonReply(200, accessTokenInfo(kit, inspected.live));
}

/** The userinfo endpoint (OpenID Connect Core §5.3). */
export function googleUserInfo(kit: Kit, incoming: Incoming): Reply {
  const inspected = inspectToken(kit, 'google', { kind: 'access', token: headerToken(incoming) });
  if (inspected.problem !== undefined) {
    const body = { error: 'invalid_request', error_description: 'Invalid Credentials' };
    const challenge = 'Bearer realm="https://accounts.google.com/", error="invalid_token"';
    throw new Refusal(jsonReply(401, body, { 'www-authenticate': challenge }), 'invalid_token');
  }
  const { account, app, facts } = inspected.live;
  return jsonReply(200, { sub: account.id(app), ...profileClaims(kit, account, facts.scopes) });
}

function inspectAny(kit: Kit, token: string): Inspected {
  const refresh = inspectToken(kit, 'google', { kind: 'refresh', token });
  return refresh.problem === 'malformed' ? inspectToken(kit, 'google', { kind: 'access', token }) : refresh;
}

/** Revocation by an access or a refresh token, without client authentication. It ends the user's whole consent to the app. */
export async function googleRevoke(kit: Kit, incoming: Incoming, heard: Heard): Promise<Reply> {
  const token = everything(incoming).get('token') || undefined;
  if (token === undefined) throw googleRefusal('revokeMissing');
  const inspected = inspectAny(kit, token);
  if (inspected.problem !== undefined) throw googleRefusal('revokeUnknown');
  const { facts } = inspected.live;
  Object.assign(heard, { client: facts.client, user: facts.oid });
  await endGrant(kit, partiesOf('google', facts));
  return jsonReply(200, {});
}
