import { CryptographyClient, type KeyVaultKey } from '@azure/keyvault-keys';
import type { OpenKey } from '../../../shared/adapters/vault/key_vault.js';

export interface FakeKeyVault {
  readonly openKey: OpenKey;
  /** Makes a new version: what is wrapped from now on names it. */
  rotate(): void;
  /** Switches every version but the newest off. */
  disableOld(): void;
  /** Every call fails, with an HTTP status or (undefined) without an answer. */
  failWith(status: number | undefined): void;
  work(): void;
}

class KeyVaultError extends Error {
  readonly statusCode: number | undefined;
  constructor(statusCode: number | undefined) {
    super('canary: https://vault.test/keys/broker');
    this.statusCode = statusCode;
  }
}

/** What the adapter uses of Key Vault, with versions that wrap by adding their own number to each byte. */
export function fakeKeyVault(keyId: string): FakeKeyVault {
  let newest = 1;
  let oldest = 1;
  let failure: { status: number | undefined } | undefined;
  const versionOf = (id: string): number => {
    const named = id === keyId ? newest : Number(id.slice(keyId.length + 2));
    if (!(named >= oldest && named <= newest)) throw new KeyVaultError(404);
    return named;
  };
  const shifted = (bytes: Uint8Array, by: number) => Uint8Array.from(bytes, (byte) => (byte + by) & 0xff);
  const openKey: OpenKey = async (id) => {
    if (failure) throw new KeyVaultError(failure.status);
    const client = new CryptographyClient(localKey(id));
    client.wrapKey = async (algorithm, key) => {
      if (failure) throw new KeyVaultError(failure.status);
      const version = versionOf(id);
      return { result: shifted(key, version), algorithm, keyID: `${keyId}/v${version}` };
    };
    client.unwrapKey = async (algorithm, wrapped) => {
      if (failure) throw new KeyVaultError(failure.status);
      const version = versionOf(id);
      if (wrapped.length !== 32) throw new KeyVaultError(400);
      return { result: shifted(wrapped, -version), algorithm, keyID: `${keyId}/v${version}` };
    };
    return client;
  };
  return {
    openKey,
    rotate: () => {
      newest++;
    },
    disableOld: () => {
      oldest = newest;
    },
    failWith: (status) => {
      failure = { status };
    },
    work: () => {
      failure = undefined;
    },
  };
}

/** A client over a key it holds itself never calls out. */
function localKey(id: string): NonNullable<KeyVaultKey['key']> {
  return { kid: id, kty: 'oct', k: new Uint8Array(32) };
}
