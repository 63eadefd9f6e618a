import type { JWTPayload } from 'jose';
import type { Secret } from '../../config/settings.js';
import { InvalidTokenError, LoginProtocolError } from '../../errors.js';
import type { Principal } from '../../identity/principal.js';
import type { Log } from '../../log.js';
import type { LoginRedirect, LoginReturn, LoginStart, SignedIn } from '../provider.js';
import { userKey } from '../user_key.js';
import { createProviderKeys } from './keys.js';
import type { Metadata } from './metadata.js';
import type { ProviderHttp } from './provider_http.js';
import { redeem, type TokenAnswer } from './tokens.js';
import { verifyProviderToken } from './verify.js';

export interface PartyOptions {
  readonly alias: string;
  readonly clientId: string;
  readonly secret: Secret;
  readonly metadata: () => Promise<Metadata>;
  /** Spellings of the issuer that this provider writes into tokens. */
  readonly issuersOf: (metadata: Metadata) => readonly string[];
  readonly principalOf: (payload: JWTPayload) => Principal;
  readonly http: ProviderHttp;
  readonly now: () => number;
  readonly log: Log;
}

interface Verified {
  readonly payload: JWTPayload;
  readonly answer: TokenAnswer;
  readonly scope: string | undefined;
}

/** An OpenID Connect client with the authorization code flow and `client_secret_post` (reference §5.1). */
export interface RelyingParty {
  /** The authorize request; `free` are parameters that decide nothing of the protocol. */
  authorize(start: LoginStart, scope: string, free: ReadonlyMap<string, string>): Promise<LoginRedirect>;
  /** Redeems the returned code and checks the ID token and its nonce. @throws LoginProtocolError, InvalidTokenError, ProviderError */
  complete(answer: LoginReturn): Promise<SignedIn>;
  /** @throws ProviderError */
  redeemGrant(grant: Record<string, string>): Promise<TokenAnswer>;
  /** @throws InvalidTokenError, ProviderError */
  verify(token: string, audiences: readonly string[]): Promise<JWTPayload>;
  userOf(payload: JWTPayload): string;
  signedIn(verified: Verified): SignedIn;
  endOf(expiresIn: number | undefined): number | undefined;
}

export function createRelyingParty(options: PartyOptions): RelyingParty {
  const { alias, clientId, http, now, log, metadata } = options;
  const keys = createProviderKeys({ http, uri: async () => (await metadata()).jwksUri, now, log });
  const endOf = (expiresIn: number | undefined) =>
    expiresIn === undefined ? undefined : now() + expiresIn * 1000;
  const userOf = (payload: JWTPayload) => userKey(alias, payload.iss ?? '', payload.sub ?? '');

  const verify: RelyingParty['verify'] = async (token, audiences) => {
    const issuers = options.issuersOf(await metadata());
    return verifyProviderToken(token, { keys, issuers, audiences, now: now() });
  };
  const redeemGrant: RelyingParty['redeemGrant'] = async (grant) => {
    const form = new URLSearchParams({ ...grant, client_id: clientId });
    form.set('client_secret', options.secret.reveal());
    return redeem(http, (await metadata()).tokenEndpoint, form);
  };
  const signedIn: RelyingParty['signedIn'] = ({ payload, answer, scope }) => {
    const principal = options.principalOf(payload);
    const { idToken, accessToken, refreshToken } = answer;
    return {
      user: userOf(payload),
      principal,
      tokens: {
        provider: alias,
        userId: principal.id,
        claims: principal.claims,
        idToken,
        accessToken,
        refreshToken,
        expiresAt: endOf(answer.expiresIn),
        scope,
      },
      issuedAt: payload.iat === undefined ? undefined : payload.iat * 1000,
    };
  };
  return {
    endOf,
    userOf,
    verify,
    redeemGrant,
    signedIn,
    authorize: async (start, scope, free) => {
      const url = new URL((await metadata()).authorizationEndpoint);
      for (const [name, value] of free) url.searchParams.set(name, value);
      url.searchParams.set('response_type', 'code');
      url.searchParams.set('redirect_uri', start.redirectUri);
      url.searchParams.set('client_id', clientId);
      if (scope !== '') url.searchParams.set('scope', scope);
      url.searchParams.set('nonce', start.nonce);
      url.searchParams.set('state', start.state);
      return { url: url.href, scope };
    },
    complete: async ({ parameters, redirectUri, recall }) => {
      const code = parameters.get('code');
      if (code === null || code === '') throw new LoginProtocolError('the code is missing');
      // A provider that names itself must be the one this callback belongs to (RFC 9207 §2.4).
      const named = parameters.get('iss');
      if (named !== null && !options.issuersOf(await metadata()).includes(named))
        throw new LoginProtocolError('the answer comes from another issuer');
      const grant = { grant_type: 'authorization_code', code, redirect_uri: redirectUri };
      const answer = await redeemGrant(grant);
      if (answer.idToken === undefined) throw new InvalidTokenError('the ID token is missing');
      const payload = await verify(answer.idToken, [clientId]);
      const memory = recall(payload.nonce);
      if (memory === undefined) throw new LoginProtocolError('the nonce is not one of this browser');
      return signedIn({ payload, answer, scope: memory.scope });
    },
  };
}
