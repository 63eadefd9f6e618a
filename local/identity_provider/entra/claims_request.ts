import { EntraError } from './errors.js';

/** What a `claims` parameter asks of the access token (OpenID Connect Core §5.5). */
export type ClaimsRequest = Readonly<{
  /** To be raised again where it is not met: as sent, without the capabilities, which are the client's own word. */
  challenge: string;
  /** Only a sign-in with a second factor meets it: a policy or an authentication context is named. */
  mfa: boolean;
  acrs: readonly string[];
  capabilities: readonly string[];
}>;

const MOST_CHARS = 8000;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = text.length > MOST_CHARS ? undefined : JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // falls through to the one answer for both
  }
  throw new EntraError('malformed');
}

function textsOf(asked: unknown): readonly string[] {
  if (!isObject(asked)) return [];
  const { value, values } = asked;
  const all = [value, ...(Array.isArray(values) ? values : [])];
  return all.filter((one): one is string => typeof one === 'string');
}

/** @throws EntraError malformed for what is no JSON object */
export function readClaimsRequest(text: string | undefined): ClaimsRequest | undefined {
  if (text === undefined) return undefined;
  const { access_token: asked } = parse(text);
  const claims = isObject(asked) ? asked : {};
  const { xms_cc: capabilities, ...rest } = claims;
  const acrs = textsOf(claims.acrs);
  return {
    challenge: JSON.stringify({ access_token: rest }),
    mfa: acrs.length > 0 || textsOf(claims.capolids).length > 0,
    acrs,
    capabilities: textsOf(capabilities),
  };
}
