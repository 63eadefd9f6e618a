import { createHash } from 'node:crypto';
import type { SocialApp } from '../../directory/social.js';
import { halfHash } from '../../entra/claims.js';
import { signJwt } from '../../entra/issue.js';
import { baseOf, type Kit } from '../kit/kit.js';
import { idTokenSeconds } from '../kit/lifetimes.js';
import type { Account } from '../kit/people.js';

/** The address the app sees: the user's own, or a relay address of this team's alone. */
export function emailFor(account: Account, app: SocialApp): Readonly<{ email: string; isPrivate: boolean }> {
  if (!account.hidesEmail) return { email: account.email, isPrivate: false };
  const hash = createHash('sha256').update(`relay:${app.team_id}:${account.user.oid}`).digest('hex');
  return { email: `${hash.slice(0, 10)}@privaterelay.appleid.com`, isPrivate: true };
}

export type AppleIdToken = Readonly<{
  app: SocialApp;
  account: Account;
  scopes: readonly string[];
  /** Milliseconds. */
  authTime: number;
  nonce?: string | undefined;
  accessToken?: string;
  code?: string;
}>;

/** Signs an ID token with Apple's claims. The e-mail address is in every one, once the user agreed to it. */
export function appleIdToken(kit: Kit, token: AppleIdToken): Promise<string> {
  const { app, account, scopes, authTime, nonce, accessToken, code } = token;
  const iat = Math.floor(kit.core.now() / 1000);
  const { email, isPrivate } = emailFor(account, app);
  return signJwt(kit.core, {
    iss: baseOf(kit, 'apple'),
    aud: app.client_id,
    exp: iat + idTokenSeconds(kit),
    iat,
    sub: account.id(app),
    ...(nonce === undefined ? {} : { nonce }),
    ...(accessToken === undefined ? {} : { at_hash: halfHash(accessToken) }),
    ...(code === undefined ? {} : { c_hash: halfHash(code) }),
    ...(scopes.includes('email')
      ? {
          email,
          email_verified: account.emailVerified,
          ...(isPrivate ? { is_private_email: true } : {}),
        }
      : {}),
    auth_time: Math.floor(authTime / 1000),
    nonce_supported: true,
  });
}
