import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import type { SocialApp } from '../../directory/social.js';
import { appleKey } from '../../directory/social_checks.js';
import { baseOf, type Kit } from '../kit/kit.js';
import type { Params } from '../kit/params.js';
import { appleRefusal } from './errors.js';

/** Longest time an Apple client secret may live: six months. */
const LONGEST_SECONDS = 15_777_000;

async function payloadOf(kit: Kit, app: SocialApp, secret: string): Promise<JWTPayload | undefined> {
  const { public_key: key, team_id: team, key_id: kid, client_id: client } = app;
  if (key === undefined || team === undefined) return undefined;
  try {
    if (decodeProtectedHeader(secret).kid !== kid) return undefined;
    const { payload } = await jwtVerify(secret, appleKey(key), {
      algorithms: ['ES256'],
      issuer: team,
      subject: client,
      audience: baseOf(kit, 'apple'),
      currentDate: new Date(kit.core.now()),
      requiredClaims: ['iat', 'exp'],
    });
    return payload;
  } catch {
    return undefined;
  }
}

/**
 * Authenticates an app by its client secret: a JWT the app signs itself (ES256; `kid` the registered key, `iss` the team,
 * `sub` the client id, `aud` the issuer), which lives six months at most.
 */
export async function authenticateApp(kit: Kit, params: Params): Promise<SocialApp> {
  const app = kit.app('apple', params('client_id'));
  const secret = params('client_secret');
  if (app === undefined || secret === undefined) throw appleRefusal('client');
  const payload = await payloadOf(kit, app, secret);
  const now = Math.floor(kit.core.now() / 1000);
  if (payload?.exp === undefined || payload.exp - now > LONGEST_SECONDS) throw appleRefusal('client');
  return app;
}
