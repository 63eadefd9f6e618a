import { isLoopbackHost } from '../loopback.js';

function withoutPort(uri: string): string | undefined {
  if (!URL.canParse(uri)) return undefined;
  const url = new URL(uri);
  if (url.protocol !== 'http:' || !isLoopbackHost(url.hostname)) return undefined;
  url.port = '';
  return url.href;
}

/**
 * Whether a redirect URI is registered: exactly the same, or, for plain http to this machine, the same but for the port
 * (RFC 8252 §7.3, as Entra does).
 */
export function isRegistered(registered: readonly string[], uri: string): boolean {
  if (registered.includes(uri)) return true;
  // What URL parsing would strip or map, such as line ends and wide letters, must not reach a Location header.
  if (!/^[!-~]+$/.test(uri) || uri.includes('#') || uri.includes('@')) return false;
  const local = withoutPort(uri);
  if (local === undefined) return false;
  return registered.some((one) => withoutPort(one) === local);
}
