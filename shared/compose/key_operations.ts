import { createSigningKeys } from '../adapters/jose/signing_keys.js';
import { createSealedPlaces } from '../adapters/sealed_places.js';
import { createSigningKeyStore } from '../adapters/tables/signing_keys.js';
import type { KeyOperations } from '../commands/keys.js';
import type { Environment } from '../config.js';
import { createRewrap } from '../flows/rewrap.js';
import { createRotateKeys } from '../flows/rotate_keys.js';
import { readSettings } from '../settings.js';
import { createAdapters } from './adapters.js';
import { SYSTEM, type System } from './system.js';

/**
 * What `npm run keys` works with.
 * @throws ConfigRefused with every problem of settings and policy
 */
export function composeKeyOperations(env: Environment, system: System = SYSTEM): KeyOperations {
  const settings = readSettings(env);
  const adapters = createAdapters(settings, system);
  const { vault, table } = adapters;
  const store = createSigningKeyStore(table('signingKeys'));
  const keys = createSigningKeys({ ...system, store, vault });
  const places = createSealedPlaces({
    connections: table('connections'),
    signingKeys: table('signingKeys'),
  });
  return {
    ...createRotateKeys({ ...system, ...adapters, keys }),
    rewrap: createRewrap({ ...system, ...adapters, places }),
  };
}
