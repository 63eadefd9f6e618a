import { Refusal } from '../../../shared/domain/errors.js';
import type { Subject } from '../../../shared/domain/subject.js';
import type { MintRequest, Tokens } from '../../../shared/ports.js';

export interface StubTokens extends Tokens {
  readonly minted: MintRequest[];
}

/** Tokens without cryptography: an ID token is its subject as JSON; what is minted is kept for the test to see. */
export function stubTokens(): StubTokens {
  const minted: MintRequest[] = [];
  const refuse = async (): Promise<never> => {
    throw new Refusal('unauthenticated', { description: 'the caller is not signed in' });
  };
  return {
    minted,
    subjectOf: (_, idToken) => readSubject(idToken),
    membershipOf: () => ({}),
    async mint(request) {
      minted.push(request);
      const id = `minted-${minted.length}`;
      return { token: `token.${id}`, id, expiresIn: request.lifetimeSeconds };
    },
    publicKeys: async () => ({ keys: [] }),
    verifyIdToken: refuse,
    verifyAppToken: refuse,
    verifySubjectToken: refuse,
    verifyOwnToken: refuse,
  };
}

function readSubject(text: string): Subject | undefined {
  const value: unknown = JSON.parse(text);
  if (typeof value !== 'object' || value === null) return undefined;
  const { provider, tenant, id }: Partial<Record<string, unknown>> = { ...value };
  const named = typeof provider === 'string' && typeof tenant === 'string' && typeof id === 'string';
  return named ? { provider, tenant, id } : undefined;
}
