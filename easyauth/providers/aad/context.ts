import type { JWTPayload } from 'jose';
import type { AadSettings } from '../../config/settings.js';
import type { TokenEntry } from '../../store/token_entry.js';
import type { ProviderDeps } from '../deps.js';
import type { Cached } from '../openid/cached.js';
import { createProviderKeys } from '../openid/keys.js';
import { createMetadata, type Metadata } from '../openid/metadata.js';
import { redeem, type TokenAnswer } from '../openid/tokens.js';
import { createClientProof } from './credential.js';
import { principalOf, userIdOf } from './identity.js';
import { sameAuthority } from './issuer.js';
import { verifyToken } from './verify.js';

export interface AadDeps extends ProviderDeps {
  readonly settings: AadSettings;
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
  const metadata = createMetadata({
    http,
    url: `${aad.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
    acceptIssuer: (named) => sameAuthority(aad.issuer, named),
    now,
    log,
  });
  const keys = createProviderKeys({ http, uri: async () => (await metadata.get()).jwksUri, now, log });
  const proof = createClientProof(aad.credential, { clientId: aad.clientId, http, now });
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
      const { tokenEndpoint } = await metadata.get();
      const members = await proof?.members(tokenEndpoint);
      const form = new URLSearchParams({ ...grant, client_id: aad.clientId, ...members });
      return redeem(http, tokenEndpoint, form);
    },
    entryOf: (payload, answer, scope) => ({
      provider: 'aad',
      userId: userIdOf(payload),
      claims: principalOf(payload, deps.claimStyle).claims,
      idToken: answer.idToken,
      accessToken: answer.accessToken,
      refreshToken: answer.refreshToken,
      expiresAt: endOf(answer.expiresIn),
      scope,
    }),
  };
}
