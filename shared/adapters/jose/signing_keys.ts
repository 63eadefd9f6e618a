import type { Clock, Random, SigningKeys, Vault } from '../../ports.js';
import type { SigningKeyStore } from '../tables/signing_keys.js';
import { generate } from './key_ring.js';

/** The signing keys as an operator sees and changes them; what is secret of them stays sealed. */
export function createSigningKeys(deps: {
  store: SigningKeyStore;
  vault: Vault;
  clock: Clock;
  random: Random;
}): SigningKeys {
  const { store } = deps;
  return {
    async list() {
      const keys = await store.list();
      return keys.map(({ kid, createdAt, retiredAt }) => ({
        kid,
        createdAt,
        ...(retiredAt === undefined ? {} : { retiredAt }),
      }));
    },
    async prepare() {
      const key = await generate(deps);
      // Slots are filled in order and never emptied: the next one is as many as there are.
      return { kid: key.kid, createdAt: key.createdAt, add: (known) => store.add(known, key) };
    },
    retire: (kid, at) => store.retire(kid, at),
  };
}
