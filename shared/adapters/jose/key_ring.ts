import { createPrivateKey, type KeyObject } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import type { SealContext } from '../../domain/seal_context.js';
import { publishedKeys, signingKey } from '../../domain/signing_keys.js';
import type { Clock, Random, Vault } from '../../ports.js';
import type { SigningKeyStore, StoredSigningKey } from '../tables/signing_keys.js';
import type { Signer } from './compact_jws.js';

export const MINT_ALGORITHM = 'ES256';
const RELOAD_MS = 60_000;
const START_TRIES = 5;

export interface KeyRing {
  signer(): Promise<Signer>;
  published(): Promise<readonly JWK[]>;
}

interface KeyRingDeps {
  readonly store: SigningKeyStore;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly random: Random;
}

/** The broker's own signing keys, sealed in Table Storage and shared by every instance. The first instance to start makes the first key. */
export function createKeyRing(deps: KeyRingDeps): KeyRing {
  const { vault, clock } = deps;
  const opened = new Map<string, Promise<KeyObject>>();
  let listed: { keys: readonly StoredSigningKey[]; at: number } | undefined;

  const list = async (): Promise<readonly StoredSigningKey[]> => {
    if (listed && clock() - listed.at < RELOAD_MS) return listed.keys;
    const keys = await listOrStart(deps);
    listed = { keys, at: clock() };
    return keys;
  };
  const open = (stored: StoredSigningKey): Promise<KeyObject> => {
    const known = opened.get(stored.kid);
    if (known) return known;
    const key = vault.open(stored.sealed, sealContext(stored.kid)).then(importPrivate);
    opened.set(stored.kid, key);
    key.catch(() => opened.delete(stored.kid));
    return key;
  };
  return {
    async signer() {
      const stored = signingKey(await list(), clock());
      if (!stored) throw new Error('there is no signing key');
      return { kid: stored.kid, key: await open(stored) };
    },
    async published() {
      const keys = publishedKeys(await list(), clock());
      return keys.map((stored): JWK => ({ ...JSON.parse(stored.publicJwk), kid: stored.kid }));
    },
  };
}

async function listOrStart(deps: KeyRingDeps): Promise<readonly StoredSigningKey[]> {
  for (let attempt = 0; attempt < START_TRIES; attempt++) {
    const keys = await deps.store.list();
    if (keys.length > 0) return keys;
    await deps.store.add(0, await generate(deps));
  }
  throw new Error('a first signing key could not be stored');
}

/** A new key, sealed; nobody else knows it yet. */
export async function generate({
  vault,
  clock,
  random,
}: Omit<KeyRingDeps, 'store'>): Promise<StoredSigningKey> {
  const pair = await generateKeyPair(MINT_ALGORITHM, { extractable: true });
  const kid = Buffer.from(random.bytes(12)).toString('base64url');
  const publicJwk = { ...(await exportJWK(pair.publicKey)), use: 'sig', alg: MINT_ALGORITHM };
  return {
    kid,
    sealed: await vault.seal(JSON.stringify(await exportJWK(pair.privateKey)), sealContext(kid)),
    publicJwk: JSON.stringify(publicJwk),
    createdAt: clock(),
  };
}

function importPrivate(json: string): KeyObject {
  const key = createPrivateKey({ key: JSON.parse(json), format: 'jwk' });
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error('a signing key is not for ES256');
  return key;
}

export function sealContext(kid: string): SealContext {
  return { table: 'signingKeys', subject: kid, provider: '', generation: 0, purpose: 'signing_key' };
}
