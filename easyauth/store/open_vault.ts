import { join } from 'node:path';
import type { Peers } from '../cluster/peers.js';
import type { Settings, TokenContainer } from '../config/settings.js';
import type { Sealer } from '../crypto/seal.js';
import type { Log } from '../log.js';
import type { ProviderHttp } from '../providers/openid/provider_http.js';
import { createBlobStore } from './blob/blob_store.js';
import { type ContainerAccess, identityAccess, sasAccess } from './blob/container_access.js';
import { createFileStore } from './file/file_store.js';
import { startPruner } from './pruner.js';
import { createTokenVault, type TokenVault } from './token_vault.js';

export interface OpenVaultOptions {
  readonly settings: Settings;
  /** Holds the tokens unless the configuration names another place. */
  readonly stateDir: string;
  readonly sealer: Sealer;
  readonly now: () => number;
  readonly log: Log;
  readonly http: ProviderHttp;
  readonly peers: Peers;
  /** Whether this process prunes the store. */
  readonly prunes: boolean;
}

export interface OpenVault {
  readonly vault: TokenVault;
  /** Whether `key` (64 hexadecimal digits) is claimed for the first time by anybody who shares the store. */
  claim(key: string): Promise<boolean>;
  close(): Promise<void>;
}

function accessOf(container: TokenContainer, means: OpenVaultOptions): ContainerAccess {
  return container.kind === 'sas' ? sasAccess(container.sas) : identityAccess(container, means);
}

/** The configured token store, opened, with its upkeep; undefined while the store is off. */
export async function openVault(options: OpenVaultOptions): Promise<OpenVault | undefined> {
  const { settings, stateDir, sealer, now, log, peers } = options;
  const { tokenContainer, tokenDirectory, pruneAfterMs, refreshExtensionMs } = settings;
  if (!settings.tokenStore) return undefined;
  const store =
    tokenContainer === undefined
      ? await createFileStore(join(tokenDirectory ?? stateDir, 'tokens'))
      : createBlobStore(accessOf(tokenContainer, options));
  const { expiresOnForm } = settings.compat;
  const vault = createTokenVault({ store, sealer, log, now, expiresOnForm, changed: peers.changed });
  peers.onChange(vault.forget);
  const pruner = options.prunes
    ? startPruner({ store, vault, pruneAfterMs, refreshExtensionMs, now, log })
    : undefined;
  return {
    vault,
    claim: (key) => store.claim(key),
    close: async () => {
      await pruner?.stop();
      await store.close();
    },
  };
}
