export const sessionCookie = 'AppServiceAuthSession';
export const nonceCookie = 'Nonce';
export const redirectCountCookie = 'RedirectCount';

const chunkSize = 3800;
const most = 9;
const past = 'Thu, 01 Jan 1970 00:00:00 GMT';

/** How cookies are marked. `development` is plain http on this machine, where browsers drop `Secure` cookies. */
export type CookieProfile = 'secure' | 'development';

/** Cookies by name; of two with one name the first counts. */
export function parseCookies(header: string): Map<string, string> {
  const cookies = new Map<string, string>();
  for (const part of header.split(';')) {
    const at = part.indexOf('=');
    const name = part.slice(0, at).trim();
    if (at > 0 && !cookies.has(name)) cookies.set(name, part.slice(at + 1).trim());
  }
  return cookies;
}

function chunkName(index: number): string {
  return index === 0 ? sessionCookie : `${sessionCookie}${index}`;
}

/**
 * The sealed session in a Cookie header, its chunks joined; undefined when there is none or a chunk is missing. The first
 * character of the first chunk is the number of chunks, so a stale one left behind does no harm.
 */
export function readSessionCookie(header: string | undefined): string | undefined {
  if (header === undefined || !header.includes(sessionCookie)) return undefined;
  const cookies = parseCookies(header);
  const first = cookies.get(sessionCookie);
  const count = Number(first?.[0]);
  if (first === undefined || !(count >= 1 && count <= most)) return undefined;
  let value = first.slice(1);
  for (let index = 1; index < count; index += 1) {
    const chunk = cookies.get(chunkName(index));
    if (chunk === undefined) return undefined;
    value += chunk;
  }
  return value;
}

const marks: Readonly<Record<CookieProfile, string>> = {
  secure: 'path=/; secure; HttpOnly; SameSite=None',
  development: 'path=/; HttpOnly; SameSite=Lax',
};

function sessionChunks(header: string | undefined): string[] {
  return [...parseCookies(header ?? '').keys()].filter((name) => /^AppServiceAuthSession\d{0,2}$/.test(name));
}

/** `Set-Cookie` values that end every session chunk the browser sent, the first one always. */
export function clearSessionCookies(header: string | undefined, profile: CookieProfile): string[] {
  const names = new Set([sessionCookie, ...sessionChunks(header)]);
  return [...names].map((name) => `${name}=deleted; expires=${past}; ${marks[profile]}`);
}

interface NewCookie {
  readonly value: string;
  readonly expiresAt: number;
  readonly profile: CookieProfile;
  /** The request's Cookie header: chunks the new session does not overwrite are ended. */
  readonly sent: string | undefined;
}

/**
 * `Set-Cookie` values for a session, in chunks under 4 KB.
 * @throws RangeError when the session needs more chunks than browsers keep
 */
export function setSessionCookies({ value, expiresAt, profile, sent }: NewCookie): string[] {
  const count = Math.ceil((value.length + 1) / chunkSize);
  if (count > most) throw new RangeError('the session has too many claims for a cookie');
  const marked = `${count}${value}`;
  const expires = new Date(expiresAt).toUTCString();
  const out: string[] = [];
  const written = new Set<string>();
  for (let index = 0; index < count; index += 1) {
    const chunk = marked.slice(index * chunkSize, (index + 1) * chunkSize);
    written.add(chunkName(index));
    out.push(`${chunkName(index)}=${chunk}; expires=${expires}; ${marks[profile]}`);
  }
  const stale = sessionChunks(sent).filter((name) => !written.has(name));
  return [...out, ...stale.map((name) => `${name}=deleted; expires=${past}; ${marks[profile]}`)];
}

/**
 * The mark of cookies that must come back with the provider's cross-site form post. In development they carry no SameSite: `None`
 * needs `Secure`, `Lax` would be withheld from a provider on another site, and browsers send an unmarked young cookie.
 */
const transientMarks: Readonly<Record<CookieProfile, string>> = {
  secure: 'path=/; secure; HttpOnly; SameSite=None',
  development: 'path=/; HttpOnly',
};

export function setTransientCookie(name: string, value: string, profile: CookieProfile): string {
  return `${name}=${value}; ${transientMarks[profile]}`;
}

export function clearTransientCookie(name: string): string {
  return `${name}=deleted; path=/; expires=${past}`;
}
