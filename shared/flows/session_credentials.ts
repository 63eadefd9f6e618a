import { Refusal } from '../domain/errors.js';
import { type SessionCredential, writeCredential } from '../domain/session_credential.js';
import { type Subject, sameSubject } from '../domain/subject.js';
import type { ProviderTokens, Tokens } from '../ports.js';
import { credentialKindOf, type ProviderRules } from '../providers/rules.js';

/** What Easy Auth holds of a sign-in, as it reaches us; absent is what the sign-in did not bring. */
export interface SessionCredentials {
  readonly refreshToken: string | undefined;
  readonly accessToken?: string | undefined;
  /** Beside the access token at X, whose requests are signed with it. */
  readonly accessTokenSecret?: string | undefined;
  /** The session itself. */
  readonly session?: SessionCredential | undefined;
}

/**
 * The one credential that a connection to this provider holds. A refresh token that counts once is left alone: whoever redeems it second,
 * Easy Auth or we, would kill the other's.
 * @throws Refusal `refresh_token_missing` saying what to configure
 */
export function credentialOf(rules: ProviderRules, credentials: SessionCredentials): string {
  const found = pick(rules, credentials);
  if (found !== undefined) return found;
  throw new Refusal('refresh_token_missing', {
    description: `Easy Auth passed ${MISSING[credentialKindOf(rules)]} for this session: ${howTo(rules)}`,
  });
}

function pick(rules: ProviderRules, credentials: SessionCredentials): string | undefined {
  const { refreshToken, accessToken, accessTokenSecret, session } = credentials;
  switch (credentialKindOf(rules)) {
    case 'refresh_token':
      return refreshToken;
    case 'session':
      return session && writeCredential(session);
    case 'access_token':
      if (!rules.tokenSecret) return accessToken;
      return accessToken && accessTokenSecret
        ? writeCredential({ token: accessToken, secret: accessTokenSecret })
        : undefined;
  }
}

const MISSING = {
  refresh_token: 'no refresh token',
  access_token: 'no access token',
  session: 'no session of its own, which has to stand in for a refresh token that counts only once,',
} as const;

const HOW_TO: Readonly<Record<string, string>> = {
  aad:
    'add "scope=openid profile email offline_access" to identityProviders.azureActiveDirectory.login.loginParameters, ' +
    'set a client secret and enable login.tokenStore, then sign in again',
  google:
    'sign in at /.auth/login/google?access_type=offline&prompt=consent, with login.tokenStore enabled: Google gives a refresh token ' +
    'only with a consent',
};

function howTo(rules: ProviderRules): string {
  const known = HOW_TO[rules.name];
  if (known !== undefined) return known;
  switch (credentialKindOf(rules)) {
    case 'refresh_token':
      return 'ask for offline access at sign-in and enable login.tokenStore, then sign in again';
    case 'access_token':
      return "set the provider's secret and enable login.tokenStore, then sign in again";
    case 'session':
      return 'call with the session cookie or with X-ZUMO-AUTH';
  }
}

/** Whose the credential is: as the provider said when it was asked, or by the ID token that came with the answer. */
export function provenSubject(
  tokens: Pick<Tokens, 'subjectOf'>,
  provider: string,
  { subject, idToken }: ProviderTokens,
): Subject | undefined {
  return subject ?? (idToken === undefined ? undefined : tokens.subjectOf(provider, idToken));
}

/** @throws Refusal `identity_mismatch` unless the credential is this user's */
export function assertOwn(proven: Subject | undefined, subject: Subject): void {
  if (proven && sameSubject(proven, subject)) return;
  throw new Refusal('identity_mismatch', {
    description: 'the provider credential belongs to another user than the one who is signed in',
  });
}
