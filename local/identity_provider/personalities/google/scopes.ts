const LONG: ReadonlyMap<string, string> = new Map([
  ['email', 'https://www.googleapis.com/auth/userinfo.email'],
  ['profile', 'https://www.googleapis.com/auth/userinfo.profile'],
]);

export const EMAIL = 'https://www.googleapis.com/auth/userinfo.email';
export const PROFILE = 'https://www.googleapis.com/auth/userinfo.profile';

/** Scopes by their long names, as Google tells them in every answer whatever name was asked for. */
export function longNames(scopes: readonly string[]): readonly string[] {
  return [...new Set(scopes.map((scope) => LONG.get(scope) ?? scope))];
}

/** Whether a scope string is one Google would know: an OpenID scope or an absolute URI. */
export function isKnownScope(scope: string): boolean {
  return scope === 'openid' || LONG.has(scope) || /^https?:\/\/[\w.~:/@%+-]+$/.test(scope);
}

/** Whether the scopes are about who the user is only: refresh tokens for those outlive testing. */
export function isProfileOnly(scopes: readonly string[]): boolean {
  return scopes.every((scope) => ['openid', EMAIL, PROFILE].includes(scope));
}
