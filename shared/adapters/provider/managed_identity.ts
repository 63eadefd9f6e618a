import type { ManagedIdentityCredential } from '@azure/identity';
import type { IdentityToken } from './app_credential.js';

const DEADLINE_MS = 3000;
/** Short: a caller waits, and who comes next tries again. */
const RETRIES = { maxRetries: 1, retryDelayInMs: 200, maxRetryDelayInMs: 500 };

/** Tokens of the platform's managed identities, kept by the library until shortly before their end. It is loaded when first needed. */
export function createIdentityToken(): IdentityToken {
  const opened = new Map<string, Promise<ManagedIdentityCredential>>();
  const credentialOf = (clientId: string): Promise<ManagedIdentityCredential> => {
    const known = opened.get(clientId) ?? open(clientId);
    opened.set(clientId, known);
    known.catch(() => opened.delete(clientId));
    return known;
  };
  return async (clientId, audience) => {
    const credential = await credentialOf(clientId);
    const { token } = await withinDeadline(credential.getToken(`${audience}/.default`));
    return token;
  };
}

async function open(clientId: string): Promise<ManagedIdentityCredential> {
  const { ManagedIdentityCredential } = await import('@azure/identity');
  return new ManagedIdentityCredential({ clientId, retryOptions: RETRIES });
}

/** The library hears no abort signal on its way to the platform's endpoint. */
function withinDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('the managed identity did not answer')), DEADLINE_MS);
  });
  return Promise.race([work, deadline]).finally(() => clearTimeout(timer));
}
