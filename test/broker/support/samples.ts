import type { Connection, KeptToken } from '../../../shared/domain/connection.js';
import type { Grant } from '../../../shared/domain/grant.js';
import { newGrantId } from '../../../shared/domain/grant.js';
import type { Subject } from '../../../shared/domain/subject.js';

export const NOW = Date.UTC(2026, 10, 23, 12);
export const GRAPH = 'https://graph.microsoft.test';
export const ORDERS = 'api://orders';

let count = 0;

/** A user nobody else in this file is. */
export function someone(name = 'user'): Subject {
  return { provider: 'aad', tenant: '11111111-1111-4111-8111-111111111111', id: `${name}-${++count}` };
}

export function connectionOf(subject: Subject, more: Partial<Connection> = {}): Connection {
  return {
    subject,
    state: 'active',
    enrolment: 'e1',
    generation: 1,
    refreshToken: 'sealed',
    createdAt: NOW,
    renewedAt: NOW,
    refreshedAt: NOW,
    ...more,
  };
}

export function keptOf(subject: Subject, more: Partial<KeptToken> = {}): KeptToken {
  return {
    subject,
    target: { resource: GRAPH, scope: ['Mail.Read'] },
    enrolment: 'e1',
    generation: 1,
    token: { sealed: 'sealed', scope: ['Mail.Read'], obtainedAt: NOW, expiresAt: NOW + 3_600_000 },
    ...more,
  };
}

export function grantOf(subject: Subject, more: Partial<Grant> = {}): Grant {
  const random = new Uint8Array(16);
  new DataView(random.buffer).setUint32(0, ++count);
  return {
    grantId: newGrantId(subject, random),
    subject,
    clientId: 'nightly-report',
    resource: ORDERS,
    scope: ['orders.read'],
    createdAt: NOW,
    expiresAt: NOW + 86_400_000,
    ...more,
  };
}
