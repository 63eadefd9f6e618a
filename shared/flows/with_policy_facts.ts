import type { AuditEventType } from '../domain/audit_event.js';
import type { Policy } from '../policy.js';
import type { AuditLog } from '../ports.js';

/** What policy has a say in. */
const DECISIONS: ReadonlySet<AuditEventType> = new Set([
  'token.issued',
  'token.refused',
  'grant.created',
  'grant.refused',
]);

/** Puts on every row of a decision which policy it was taken under, so that no flow can forget to. */
export function withPolicyFacts(audit: AuditLog, { hash, revision }: Policy): AuditLog {
  const facts = { policyHash: hash, ...(revision === undefined ? {} : { policyRevision: revision }) };
  return {
    query: (query) => audit.query(query),
    append: (event) => audit.append(DECISIONS.has(event.type) ? { ...event, ...facts } : event),
  };
}
