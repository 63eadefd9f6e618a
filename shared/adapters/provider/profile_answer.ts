import type { Subject } from '../../domain/subject.js';
import type { ProviderAnswer } from '../../ports.js';
import type { HttpAnswer } from '../http_client.js';
import { isStorableText, retryAfterSeconds, word } from './answer.js';

/** How long one call may take, ms: up to three of them, one after the other, must fit into the time a connection is claimed for. */
export const CALL_TIMEOUT_MS = 5000;

/** A token without an end of its own is looked at again after this, seconds: so that one which was revoked is not handed on for ever. */
export const ENDLESS_SECONDS = 86_400;

export const TOO_LARGE: ProviderAnswer = {
  ok: false,
  failure: { status: 200, error: 'token_too_large', codes: [] },
};

/** A credential that was found to be alive, or its successor. */
export function alive(found: {
  readonly accessToken: string;
  readonly credential: string;
  readonly subject: Subject;
  readonly scope: readonly string[];
  readonly expiresIn: number;
  readonly credentialEndsAt?: number;
}): ProviderAnswer {
  const { credential, ...tokens } = found;
  if (!isStorableText(credential)) return TOO_LARGE;
  return { ok: true, tokens: { ...tokens, refreshToken: credential } };
}

/** What came instead. `error` is a word of ours or of the provider's; anything else is not recorded. */
export function refused(
  answer: HttpAnswer,
  error: unknown,
  more: { readonly codes?: readonly number[]; readonly traceId?: unknown } = {},
): ProviderAnswer {
  const retryAfter = retryAfterSeconds(answer.headers);
  const traceId = word(more.traceId);
  return {
    ok: false,
    failure: {
      status: answer.status,
      error: word(error) ?? 'unreadable_answer',
      codes: more.codes ?? [],
      ...(retryAfter === undefined ? {} : { retryAfterSeconds: retryAfter }),
      ...(traceId === undefined ? {} : { traceId }),
    },
  };
}
