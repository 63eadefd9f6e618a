import type { RpcHttpCookie } from '../app/core_types.js';

const sameSiteNames = { lax: 'lax', strict: 'strict', explicitNone: 'none' } as const;

/**
 * The Set-Cookie line of one cookie as the host writes it: value percent-encoded, path `/` unless given, attributes in
 * lower case, no `samesite` unless given. Throws when the name is no token (RFC 6265 §4.1.1).
 */
export function cookieLine(cookie: RpcHttpCookie): string {
  if (!/^[!#$%&'*+.^_`|~\w-]+$/.test(cookie.name)) throw new Error('a cookie has an invalid name');
  let line = `${cookie.name}=${escapeData(cookie.value)}`;
  const expires = cookie.expires?.value?.seconds;
  if (expires !== undefined) line += `; expires=${new Date(expires * 1000).toUTCString()}`;
  const maxAge = cookie.maxAge?.value;
  if (maxAge !== undefined) line += `; max-age=${Math.trunc(maxAge)}`;
  if (cookie.domain?.value) line += `; domain=${cookie.domain.value}`;
  line += `; path=${cookie.path?.value || '/'}`;
  if (cookie.secure?.value) line += '; secure';
  const sameSite = cookie.sameSite ?? 'none';
  if (sameSite !== 'none') line += `; samesite=${sameSiteNames[sameSite]}`;
  if (cookie.httpOnly?.value) line += '; httponly';
  return line;
}

/** `Uri.EscapeDataString`: as encodeURIComponent, and `!'()*` too (RFC 3986 §2.2). */
function escapeData(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
