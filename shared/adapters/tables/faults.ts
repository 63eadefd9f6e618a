import { RestError } from '@azure/data-tables';
import { Refusal, unavailable } from '../../domain/errors.js';

const RETRY_AFTER_SECONDS = 5;

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
 * on our side.
 */
export function storeFault(error: unknown): unknown {
  if (error instanceof TypeError || error instanceof Refusal) return error;
  return unavailable('storage is not available', RETRY_AFTER_SECONDS, error);
}
