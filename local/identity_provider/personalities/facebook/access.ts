import { createHmac } from 'node:crypto';
import type { SocialApp } from '../../directory/social.js';
import type { Incoming } from '../../http/incoming.js';
import { anyToken } from '../kit/bearer.js';
import type { Kit } from '../kit/kit.js';
import { everything } from '../kit/params.js';
import { sameText } from '../kit/text.js';
import { type Inspected, inspectToken, type LiveToken } from '../kit/tokens.js';
import { facebookRefusal, graphRefusal, tokenError } from './errors.js';

/** Finds out whether a user token works, short-lived or exchanged. */
export function inspectUserToken(kit: Kit, token: string): Inspected {
  const short = inspectToken(kit, 'facebook', { kind: 'access', token });
  return short.problem === 'malformed' ? inspectToken(kit, 'facebook', { kind: 'lasting', token }) : short;
}

/** HMAC-SHA256 of the token under the app secret, in hex: shows that the caller is the app itself. */
export function appSecretProof(token: string, app: SocialApp): string {
  return createHmac('sha256', app.secret ?? '')
    .update(token)
    .digest('hex');
}

function checkProof(incoming: Incoming, token: string, app: SocialApp): void {
  const given = everything(incoming).get('appsecret_proof') || undefined;
  if (given === undefined) {
    if (app.options?.require_appsecret_proof) throw facebookRefusal('proofMissing');
    return;
  }
  if (!sameText(given, appSecretProof(token, app))) throw facebookRefusal('proofWrong');
}

/** The proven user token of a Graph call. @throws Refusal in Graph's shape */
export function requireUser(kit: Kit, incoming: Incoming): LiveToken {
  const token = anyToken(incoming);
  if (token === undefined) throw facebookRefusal('missingToken');
  const inspected = inspectUserToken(kit, token);
  if (inspected.problem !== undefined) {
    throw graphRefusal(tokenError(inspected.problem, inspected.facts, kit.core.now()));
  }
  checkProof(incoming, token, inspected.live.app);
  return inspected.live;
}

/** The scopes a token still has: the user may have taken some back. */
export function liveScopes({ facts, grant }: LiveToken): readonly string[] {
  return facts.scopes.filter((scope) => grant.scopes.includes(scope));
}
