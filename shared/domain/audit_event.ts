import type { ErrorCode } from './errors.js';
import type { Narrowing } from './narrowing.js';
import type { RefreshClass } from './refresh_result.js';

/** What happened; a closed vocabulary, so that a query can rely on it. */
export const AUDIT_EVENT_TYPES = [
  'token.issued',
  'token.refused',
  'token.revoked',
  'connection.created',
  'connection.renewed',
  'connection.ended',
  'connection.died',
  'connection.refused',
  'connection.refreshed',
  'connection.recovered',
  'circuit.opened',
  'circuit.closed',
  'grant.created',
  'grant.refused',
  'grant.ended',
  'audit.read',
  'operator.acted',
  'key.added',
  'key.retired',
  'key.rewrapped',
] as const;

export type AuditEventType = (typeof AUDIT_EVENT_TYPES)[number];

/** One audit record. Never a token, never a secret; names of people only as subject ids. */
export interface AuditEvent {
  readonly id: string;
  /** ms since the epoch */
  readonly at: number;
  readonly type: AuditEventType;
  /** `provider:tenant:id` */
  readonly subject?: string;
  readonly clientId?: string;
  /** Who acted when it was neither the subject nor the client: an auditor, the timer. */
  readonly actor?: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly requestedScope?: string;
  /** The request named no scope: what is recorded as requested is all there was. */
  readonly scopeOmitted?: true;
  /** Asked for, or without a scope in the request all that was held, and not in the token. */
  readonly droppedScope?: string;
  /** In the token, and not asked for. */
  readonly widerScope?: string;
  readonly narrowing?: Narrowing;
  readonly grantId?: string;
  readonly grantType?: string;
  readonly tokenId?: string;
  /** ms since the epoch */
  readonly expiresAt?: number;
  readonly error?: ErrorCode;
  readonly reason?: string;
  readonly correlationId?: string;
  /** How many refusals this row stands for, where it sums up a flood of them. */
  readonly count?: number;
  /** The policy that a decision was taken under: SHA-256 of its document, and what its author calls that. */
  readonly policyHash?: string;
  readonly policyRevision?: string;
}

/** What a row of the failure log tells of: a failed attempt by its class, or the success that ended a run of them. */
export type FailureRowClass = RefreshClass | 'recovered';

/** One failed refresh attempt, or the end of such, with what an operator should do about it. */
export interface RefreshFailure {
  readonly id: string;
  readonly at: number;
  readonly subject: string;
  readonly provider: string;
  readonly resource?: string;
  readonly scope?: string;
  readonly class: FailureRowClass;
  readonly status: number;
  /** Of the last failure where the row tells of recovery. */
  readonly error: string;
  readonly suberror?: string;
  /** The claims challenge that came with it. */
  readonly claims?: string;
  readonly codes: readonly number[];
  readonly traceId?: string;
  /** App id of the facade, where it was the facade that was refused. */
  readonly facade?: string;
  /** How many in a row, this one included; all that failed where the row tells of recovery. */
  readonly attempt: number;
  /** When the run of failures began: the length of the trouble, where the row tells of its end. */
  readonly failingSince?: number;
  /** What it recovered from. */
  readonly recoveredFrom?: RefreshClass;
  readonly nextAttemptAt?: number;
  readonly cause: RefreshCause;
  /** Whom it was refreshed for: the client that asked, or those whose grants want it; not all where they are many. */
  readonly clients?: readonly string[];
  readonly action: string;
}

/** Who wanted the refresh: the timer's queue worker, a token request, or a user taking over a credential. */
export type RefreshCause = 'timer' | 'token' | 'take_over';

/** What the operator should do, by class. */
export function operatorAction(kind: FailureRowClass): string {
  switch (kind) {
    case 'recovered':
      return 'none: it works again';
    case 'transient':
      return 'none: it is retried by itself';
    case 'user_action_required':
      return 'ask the user to sign in again at the provider (consent, second factor, device)';
    case 'grant_dead':
      return 'the credential is gone: the user must sign in and connect again';
    case 'broker_misconfigured':
      return 'mend the app registration (client secret, certificate, permissions) or the policy';
  }
}
