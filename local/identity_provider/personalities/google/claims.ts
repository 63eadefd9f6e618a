import type { SocialApp } from '../../directory/social.js';
import { halfHash } from '../../entra/claims.js';
import { signJwt } from '../../entra/issue.js';
import { baseOf, type Kit } from '../kit/kit.js';
import { idTokenSeconds } from '../kit/lifetimes.js';
import type { Account } from '../kit/people.js';
import { EMAIL, PROFILE } from './scopes.js';

type Claims = Readonly<Record<string, unknown>>;

/** What the scopes let the app know of the user (OpenID Connect Core §5.1, with Google's `hd`). */
export function profileClaims(kit: Kit, account: Account, scopes: readonly string[]): Claims {
  const { user, email, emailVerified, givenName, familyName, hostedDomain } = account;
  const withEmail = scopes.includes(EMAIL);
  return {
    ...(hostedDomain !== undefined && withEmail ? { hd: hostedDomain } : {}),
    ...(withEmail ? { email, email_verified: emailVerified } : {}),
    ...(scopes.includes(PROFILE)
      ? {
          name: user.name,
          picture: `${baseOf(kit, 'google')}/picture/${user.oid}`,
          given_name: givenName,
          ...(familyName === '' ? {} : { family_name: familyName }),
        }
      : {}),
  };
}

export type GoogleIdToken = Readonly<{
  app: SocialApp;
  account: Account;
  scopes: readonly string[];
  accessToken: string;
  nonce: string | undefined;
}>;

/** Signs an ID token with the claims Google gives at its token endpoint. */
export function googleIdToken(kit: Kit, token: GoogleIdToken): Promise<string> {
  const { app, account, scopes, accessToken, nonce } = token;
  const iat = Math.floor(kit.core.now() / 1000);
  return signJwt(kit.core, {
    iss: baseOf(kit, 'google'),
    azp: app.client_id,
    aud: app.client_id,
    sub: account.id(app),
    ...profileClaims(kit, account, scopes),
    at_hash: halfHash(accessToken),
    ...(nonce === undefined ? {} : { nonce }),
    iat,
    exp: iat + idTokenSeconds(kit),
  });
}
