/** An Easy Auth session as its holder presents it: the session token of `X-ZUMO-AUTH`, or the session cookie. */
export interface SessionCredential {
  readonly carrier: 'token' | 'cookie';
  readonly value: string;
}

/** An OAuth 1.0a access token with its secret, which signs each request. */
export interface TokenPair {
  readonly token: string;
  readonly secret: string;
}

/** The text of a credential of two parts, as it is sealed. */
export function writeCredential(credential: SessionCredential | TokenPair): string {
  return JSON.stringify(credential);
}

/** @throws TypeError for a text that {@link writeCredential} did not make of a session */
export function readSession(text: string): SessionCredential {
  const { carrier, value } = membersOf(text);
  if ((carrier === 'token' || carrier === 'cookie') && value !== undefined) return { carrier, value };
  throw new TypeError('the credential is no session');
}

/** @throws TypeError for a text that {@link writeCredential} did not make of a pair */
export function readTokenPair(text: string): TokenPair {
  const { token, secret } = membersOf(text);
  if (token !== undefined && secret !== undefined) return { token, secret };
  throw new TypeError('the credential is no pair of token and secret');
}

function membersOf(text: string): Readonly<Record<string, string | undefined>> {
  try {
    const value: unknown = JSON.parse(text);
    const members = typeof value === 'object' && value !== null ? Object.entries(value) : [];
    return Object.fromEntries(members.filter(([, member]) => typeof member === 'string'));
  } catch {
    return {};
  }
}

const SESSION_COOKIE = /^AppServiceAuthSession\d{0,2}$/;

/** The cookies of the session alone, as one `Cookie` header; undefined where there is none. */
export function sessionCookies(header: string): string | undefined {
  const pairs = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => SESSION_COOKIE.test(pair.slice(0, pair.indexOf('='))));
  return pairs.length === 0 ? undefined : pairs.join('; ');
}
