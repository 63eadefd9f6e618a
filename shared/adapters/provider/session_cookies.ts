import { type SessionCredential, sessionCookies } from '../../domain/session_credential.js';
import { parseObject } from './answer.js';

/** The session's cookies after a renewal: what was set replaces what was there, and a part that was taken back is gone. */
export function renewedCookies(before: string, setCookies: readonly string[] = []): string {
  const jar = new Map(before.split('; ').map((pair) => [nameOf(pair), pair]));
  for (const line of setCookies) {
    const pair = line.split(';')[0]?.trim() ?? '';
    if (sessionCookies(pair) === undefined) continue;
    if (endOf(line) === 0 || pair.endsWith('=deleted')) jar.delete(nameOf(pair));
    else jar.set(nameOf(pair), pair);
  }
  return [...jar.values()].join('; ');
}

/** When a session says it ends, ms: by `exp` of a session token, by `expires` of a cookie; undefined where it does not say. */
export function sessionEnd(
  session: SessionCredential,
  setCookies: readonly string[] = [],
): number | undefined {
  if (session.carrier === 'token') return tokenEnd(session.value);
  const ends = setCookies.filter((line) => sessionCookies(line) !== undefined).map(endOf);
  const known = ends.filter((end) => end !== undefined && end > 0);
  return known[0];
}

/** Only to know when to look again; what the token is worth is Easy Auth's to judge. */
function tokenEnd(token: string): number | undefined {
  const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
  const { exp } = parseObject(payload);
  return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined;
}

/** `expires` of a `Set-Cookie`, ms; 0 for a cookie that is taken back. */
function endOf(line: string): number | undefined {
  const value = /;\s*expires=([^;]+)/i.exec(line)?.[1];
  if (value === undefined) return undefined;
  const end = Date.parse(value);
  return Number.isNaN(end) ? undefined : end;
}

function nameOf(pair: string): string {
  return pair.slice(0, pair.indexOf('='));
}
