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

/** A subject is looked up several times while one request is served. */
const keys = new WeakMap<Subject, string>();

/** The storage key of a subject: nothing a user chose can reach a key or a filter through it. */
export function subjectKey(subject: Subject): string {
  const known = keys.get(subject);
  if (known !== undefined) return known;
  const key = digest('subject', subject.provider, subject.tenant, subject.id);
  keys.set(subject, key);
  return key;
}

export function sameSubject(a: Subject, b: Subject): boolean {
  return a.provider === b.provider && a.tenant === b.tenant && a.id === b.id;
}

/** Reads {@link subjectName} back. A tenant may be an address and hold colons of its own; an id is taken for what follows the last. */
export function readSubject(text: string): Subject | undefined {
  const [, provider, tenant, id] = /^([^:]+):(.+):([^:]+)$/s.exec(text) ?? [];
  return provider === undefined || tenant === undefined || id === undefined
    ? undefined
    : { provider, tenant, id };
}
