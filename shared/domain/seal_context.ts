import type { Target } from './connection.js';
import { digest } from './digest.js';
import { type Subject, subjectKey } from './subject.js';

/** What a sealed value is bound to; it opens under exactly this and nothing else. */
export interface SealContext {
  readonly table: string;
  readonly subject: string;
  readonly provider: string;
  readonly generation: number;
  readonly purpose: string;
}

interface Owner {
  readonly subject: Subject;
  readonly enrolment: string;
  readonly generation: number;
}

/** A connection's refresh token of one generation. */
export function refreshTokenSeal(owner: Owner): SealContext {
  return sealOf(owner, `refresh_token ${owner.enrolment}`);
}

/** A kept access token for one target. */
export function accessTokenSeal(owner: Owner, target: Target): SealContext {
  const via = target.facade === undefined ? [] : ['facade', target.facade];
  const answering = target.claims === undefined ? [] : ['claims', digest('claims', target.claims)];
  return sealOf(
    owner,
    ['access_token', owner.enrolment, ...via, ...answering, target.resource ?? '', ...target.scope].join(' '),
  );
}

function sealOf({ subject, generation }: Owner, purpose: string): SealContext {
  return {
    table: 'connections',
    subject: subjectKey(subject),
    provider: subject.provider,
    generation,
    purpose,
  };
}
