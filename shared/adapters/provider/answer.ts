import type { ProviderFailure } from '../../domain/refresh_result.js';
import type { ProviderAnswer } from '../../ports.js';
import type { HttpAnswer } from '../http_client.js';
import { CredentialFault } from './app_credential.js';

/** What a call to a provider came to; one that got no answer is a failure of status 0. */
export async function answered(call: () => Promise<ProviderAnswer>): Promise<ProviderAnswer> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof CredentialFault) return { ok: false, failure: credentialFailure(error) };
    return { ok: false, failure: { status: 0, error: noAnswer(error), codes: [] } };
  }
}

/** As if the provider had refused our registration: nobody can be refreshed with it, and it is nothing of any user's. */
function credentialFailure({ word: suberror }: CredentialFault): ProviderFailure {
  return { status: 401, error: 'invalid_client', suberror, codes: [] };
}

/** A word for the failure log; the error's own text may quote what was sent. */
function noAnswer(error: unknown): string {
  const name = error instanceof Error ? error.name : '';
  return name === 'TimeoutError' || name === 'AbortError' ? 'timeout' : 'no_answer';
}

/** Provider text goes into tables and logs only where it is a short plain word. */
export function word(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,80}$/.test(value) ? value : undefined;
}

/** The one form of HTTP dates that is still written (RFC 9110 §5.6.7). */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;
const MOST_SECONDS = 999_999;

/**
 * `Retry-After` in seconds, written so or as an HTTP date (RFC 9110 §10.2.3). A date is counted from the provider's own `Date`, so that a
 * clock that is wrong here changes nothing; without one it says nothing.
 */
export function retryAfterSeconds(headers: HttpAnswer['headers']): number | undefined {
  const value = headers['retry-after'] ?? '';
  if (/^\d{1,6}$/.test(value)) return Number(value);
  if (!HTTP_DATE.test(value) || !HTTP_DATE.test(headers.date ?? '')) return undefined;
  const seconds = (Date.parse(value) - Date.parse(headers.date ?? '')) / 1000;
  return Number.isNaN(seconds) ? undefined : Math.min(Math.max(0, seconds), MOST_SECONDS);
}

/** The members of a JSON object; none for anything else. */
export function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

const MOST_TOKEN_CHARS = 20_000;

/** A sealed token must fit a table column of 32 Ki characters: one that does not would be redeemed again and again for nothing. */
export function isStorableText(token: string): boolean {
  return token.length <= MOST_TOKEN_CHARS;
}
