import type { JWTPayload } from 'jose';
import type { AadSettings } from '../../config/settings.js';
import type { Log } from '../../log.js';
import type { TokenEntry } from '../../store/token_entry.js';
import { type Cached, createCached } from '../openid/cached.js';
import { createProviderKeys } from '../openid/keys.js';
import { loadMetadata, type Metadata } from '../openid/metadata.js';
import type { ProviderHttp } from '../openid/provider_http.js';
import { redeem, type TokenAnswer } from '../openid/tokens.js';
import { principalOf, userIdOf } from './identity.js';
import { sameAuthority } from './issuer.js';
import { verifyToken } from './verify.js';

const hour = 3_600_000;

export interface AadDeps {
  readonly settings: AadSettings;
  readonly modernClaims: boolean;
  readonly strictOverwrite: boolean;
  readonly http: ProviderHttp;
  readonly now: () => number;
  readonly log: Log;
}

/** What every part of the provider needs: checking a token, redeeming a grant, writing an entry. */
export interface AadContext extends AadDeps {
  readonly metadata: Cached<Metadata>;
  /** @throws InvalidTokenError, ProviderError */
  verify(token: string, audiences: readonly string[]): Promise<JWTPayload>;
  /** @throws ProviderError */
  redeemGrant(grant: Record<string, string>): Promise<TokenAnswer>;
  entryOf(payload: JWTPayload, answer: TokenAnswer, scope: string | undefined): TokenEntry;
  /** When an access token that lives so many seconds ends. */
  endOf(expiresIn: number | undefined): number | undefined;
}

export function createAadContext(deps: AadDeps): AadContext {
  const { settings: aad, http, now, log } = deps;
  const metadata = createCached({
    what: 'discovery',
    load: () => loadMetadata(http, aad.issuer, (named) => sameAuthority(aad.issuer, named)),
    freshMs: hour,
    cooldownMs: 5_000,
    now,
    log,
  });
  const keys = createProviderKeys({ http, uri: async () => (await metadata.get()).jwksUri, now, log });
  const endOf = (expiresIn: number | undefined) =>
    expiresIn === undefined ? undefined : now() + expiresIn * 1000;
  return {
    ...deps,
    metadata,
    endOf,
    verify: async (token, audiences) =>
      verifyToken(token, {
        keys,
        metadata: await metadata.get(),
        audiences,
        allowedTenants: aad.allowedTenants,
        now: now(),
      }),
    redeemGrant: async (grant) => {
      const form = new URLSearchParams({ ...grant, client_id: aad.clientId });
      if (aad.secret !== undefined) form.set('client_secret', aad.secret.reveal());
      return redeem(http, (await metadata.get()).tokenEndpoint, form);
    },
    entryOf: (payload, answer, scope) => ({
      provider: 'aad',
      userId: userIdOf(payload),
      claims: principalOf(payload, deps.modernClaims).claims,
      idToken: answer.idToken,
      accessToken: answer.accessToken,
      refreshToken: answer.refreshToken,
      expiresAt: endOf(answer.expiresIn),
      scope,
    }),
  };
}
