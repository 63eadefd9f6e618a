import { RestError } from '@azure/data-tables';
import { Refusal, Unstorable, unavailable } from '../../domain/errors.js';

const RETRY_AFTER_SECONDS = 5;
/** Bad request, too large: no retry will make it fit. */
const REFUSED: ReadonlySet<number> = new Set([400, 413]);

/** A row that is gone is an answer; a table that is gone is a fault: 404 alone does not tell them apart. */
export function isExpected(error: unknown, statuses: ReadonlySet<number>): boolean {
  if (!(error instanceof RestError) || !statuses.has(error.statusCode ?? 0)) return false;
  return codeOf(error) !== 'TableNotFound';
}

/** The service's own code: on the error itself for a transaction, inside its body for a single call. */
function codeOf(error: RestError): unknown {
  const details: unknown = error.details;
  const body: unknown = isObject(details) ? Reflect.get(details, 'odataError') : undefined;
  return error.code ?? (isObject(body) ? Reflect.get(body, 'code') : undefined);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/**
 * What Table Storage did wrong, silence included, or the identity that leads to it, is never the caller's fault: 503, and the cause stays
 * on our side. A row that storage will never take is no outage.
 */
export function storeFault(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof Refusal) return error;
  if (error instanceof RestError && REFUSED.has(error.statusCode ?? 0)) {
    return new Unstorable('storage does not take a row', error);
  }
  return unavailable('storage is not available', RETRY_AFTER_SECONDS, error);
}
