import { Refusal } from './errors.js';

const MOST_CHARS = 4096;
const MOST_CLAIMS = 20;
const MEMBERS: ReadonlySet<string> = new Set(['essential', 'value', 'values']);

/**
 * Reads a `claims` parameter (OpenID Connect Core §5.5), as a claims challenge of a resource gives it: what is asked of its access token,
 * and nothing else.
 * @returns the same in one form, so that equal challenges are equal texts
 * @throws Refusal `invalid_request`
 */
export function readClaims(text: string): string {
  const request = text.length <= MOST_CHARS ? parse(text) : undefined;
  const claims = request?.access_token;
  const names = isObject(claims) ? Object.keys(claims) : [];
  const fits =
    isObject(claims) &&
    Object.keys(request ?? {}).length === 1 &&
    names.length > 0 &&
    names.length <= MOST_CLAIMS &&
    Object.values(claims).every(isAsked);
  if (!fits) {
    throw new Refusal('invalid_request', {
      description:
        'claims must be a JSON object whose one member access_token says what is asked of each claim',
    });
  }
  return JSON.stringify({ access_token: claims }, inOrder);
}

/** What is asked of a claim: nothing in particular, or that it be there, or which values it may have (OpenID Connect Core §5.5.1). */
function isAsked(asked: unknown): boolean {
  if (asked === null) return true;
  if (!isObject(asked) || !Object.keys(asked).every((name) => MEMBERS.has(name))) return false;
  const { essential, value, values } = asked;
  if (essential !== undefined && typeof essential !== 'boolean') return false;
  if (value !== undefined && !isScalar(value)) return false;
  return values === undefined || (Array.isArray(values) && values.every(isScalar));
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function inOrder(_: string, value: unknown): unknown {
  return isObject(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
