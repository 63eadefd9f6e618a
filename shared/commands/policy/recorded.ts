import type { AuditEvent } from '../../domain/audit_event.js';
import type { OperatorStores } from './tools.js';

export interface Span {
  /** ms */
  readonly from: number;
  readonly to: number;
  /** Rows that are read at most, newest first, of each type. */
  readonly most: number;
}

/** A recorded token request that was decided by policy, or undefined for a row that stands for none. */
export interface Recorded {
  readonly clientId: string;
  readonly subject: string;
  readonly resource: string;
  /** Undefined where the request named none. */
  readonly scope: string | undefined;
  readonly grantType: string;
  readonly grantId: string;
  /** First of the chain, where somebody else than the client acted. */
  readonly actor: string | undefined;
}

const PAGE = 1000;
const TYPES = ['token.issued', 'token.refused'] as const;

/** Rows of token requests, and of each what can be asked again; `cut` comes last where there were more. */
export async function* recordedRequests(
  { audit }: OperatorStores,
  { from, to, most }: Span,
): AsyncGenerator<Recorded | undefined | 'cut'> {
  for (const type of TYPES) {
    let read = 0;
    let cursor: string | undefined;
    do {
      const limit = Math.min(PAGE, most - read);
      const page = await audit.query({ from, to, limit, match: { type }, ...(cursor ? { cursor } : {}) });
      for (const event of page.items) yield recordedOf(event);
      read += page.items.length;
      cursor = page.cursor;
    } while (cursor !== undefined && read < most);
    if (cursor !== undefined) yield 'cut';
  }
}

function recordedOf(event: AuditEvent): Recorded | undefined {
  const { clientId, subject, resource, grantId, grantType, requestedScope } = event;
  const isDecided = clientId && subject && resource && grantId && grantType;
  if (!isDecided) return undefined;
  return {
    clientId,
    subject,
    resource,
    grantId,
    grantType,
    scope: event.scopeOmitted ? undefined : requestedScope,
    actor: event.actor?.split(' < ')[0],
  };
}
