import type { CryptographyClient } from '@azure/keyvault-keys';
import { Unreadable, unavailable } from '../../domain/errors.js';
import type { KeyWrapper } from './envelope.js';

const ALGORITHM = 'RSA-OAEP-256';
const RETRY_AFTER_SECONDS = 5;

export type OpenKey = (keyId: string) => Promise<CryptographyClient>;

/**
 * A wrapping key that never leaves Azure Key Vault. Each sealed value names the key version that wrapped it, so a rotated key
 * goes on opening what it wrapped for as long as Key Vault keeps the version.
 * @param keyId `https://{vault}/keys/{name}`, the newest version unless one is given
 */
export function createKeyVault(keyId: string, openKey: OpenKey = openWithIdentity): KeyWrapper {
  const clients = new Map<string, Promise<CryptographyClient>>();
  const clientFor = (id: string): Promise<CryptographyClient> => {
    const known = clients.get(id);
    if (known) return known;
    const opened = openKey(id);
    clients.set(id, opened);
    opened.catch(() => clients.delete(id));
    return opened;
  };
  const origin = new URL(keyId).origin;
  return {
    async wrap(dataKey) {
      const result = await reached(async () => (await clientFor(keyId)).wrapKey(ALGORITHM, dataKey));
      return { keyId: result.keyID ?? keyId, wrapped: Buffer.from(result.result) };
    },
    async unwrap(id, wrapped) {
      // The id comes out of a table row: whoever can write there must not choose where our identity's token goes.
      if (!URL.canParse(id) || new URL(id).origin !== origin) {
        throw new Unreadable('a sealed value names a key of another vault');
      }
      const unwrap = async () => (await clientFor(id)).unwrapKey(ALGORITHM, wrapped);
      return Buffer.from((await reached(unwrap)).result);
    },
  };
}

/** What Key Vault answers about the value itself (400, 404) makes it unreadable; anything else is a vault that cannot be reached now. */
async function reached<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
    if (status === 400 || status === 404) {
      throw new Unreadable('Key Vault does not know this key or this wrapped value', error);
    }
    throw unavailable('the key vault is not available', RETRY_AFTER_SECONDS, error);
  }
}

async function openWithIdentity(keyId: string): Promise<CryptographyClient> {
  const [{ CryptographyClient }, { DefaultAzureCredential }] = await Promise.all([
    import('@azure/keyvault-keys'),
    import('@azure/identity'),
  ]);
  return new CryptographyClient(keyId, new DefaultAzureCredential());
}
