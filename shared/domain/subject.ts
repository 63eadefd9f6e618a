import { digest } from './digest.js';

/**
 * The user. `tenant` and `id` are `tid` and `oid` at Entra, issuer and `sub` elsewhere. E-mail addresses and user
 * principal names change hands and are never part of it.
 */
export interface Subject {
  readonly provider: string;
  readonly tenant: string;
  readonly id: string;
}

/** The readable form that audit rows and minted tokens carry: `provider:tenant:id`. */
export function subjectName(subject: Subject): string {
  return `${subject.provider}:${subject.tenant}:${subject.id}`;
}

/** The storage key of a subject: nothing a user chose can reach a key or a filter through it. */
export function subjectKey(subject: Subject): string {
  return digest('subject', subject.provider, subject.tenant, subject.id);
}

export function sameSubject(a: Subject, b: Subject): boolean {
  return a.provider === b.provider && a.tenant === b.tenant && a.id === b.id;
}
