import { createSigningKeys } from '../adapters/jose/signing_keys.js';
import { createSigningKeyStore } from '../adapters/tables/signing_keys.js';
import type { Environment } from '../config.js';
import { createRotateKeys, type RotateKeys } from '../flows/rotate_keys.js';
import { readSettings } from '../settings.js';
import { createAdapters } from './adapters.js';
import { SYSTEM, type System } from './system.js';

/**
 * What `npm run keys` works with.
 * @throws ConfigRefused with every problem of settings and policy
 */
export function composeKeyOperations(env: Environment, system: System = SYSTEM): RotateKeys {
  const settings = readSettings(env);
  const { vault, audit, table } = createAdapters(settings, system);
  const store = createSigningKeyStore(table('signingKeys'));
  const keys = createSigningKeys({ ...system, store, vault });
  return createRotateKeys({ ...system, keys, audit });
}
