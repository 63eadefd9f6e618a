import { substatus } from '../errors.js';
import { emptyReply, type Reply } from '../http/reply.js';
import { StoreBusyError, StoreConflictError, StoreUnavailableError } from './store_errors.js';

/**
 * The answer when the token store fails: 500 when it refuses the gateway, 503 when trying again may help; undefined for any other
 * error. Never a sign-in: it would end at the same store, and the browser would go round for ever (reference §11, 14).
 */
export function storeReply(error: unknown): Reply | undefined {
  const reason = error instanceof Error ? error.message : '';
  if (error instanceof StoreUnavailableError && error.failure === 'refused')
    return emptyReply(500, { substatus: substatus.configurationError, reason });
  const passing = [StoreBusyError, StoreConflictError, StoreUnavailableError].some(
    (kind) => error instanceof kind,
  );
  if (!passing) return undefined;
  return emptyReply(503, {
    substatus: substatus.internalModuleFailure,
    reason,
    headers: ['Retry-After', '2'],
  });
}
