import type { ProviderFailure } from '../../domain/refresh_result.js';
import type { ProviderAnswer } from '../../ports.js';
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

/** Seconds, or an HTTP date (RFC 9110 §10.2.3), which providers in question do not send. */
export function retryAfterSeconds(value: string | undefined): number | undefined {
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
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
