import { join } from 'node:path';
import type { Secret, Settings } from '../config/settings.js';
import type { Sealer } from '../crypto/seal.js';
import type { Log } from '../log.js';
import { createBlobStore } from './blob/blob_store.js';
import { createFileStore } from './file/file_store.js';
import { type Pruner, startPruner } from './pruner.js';
import { createTokenVault, type TokenVault } from './token_vault.js';

export interface OpenVaultOptions {
  readonly settings: Settings;
  /** Holds the tokens unless the configuration names another place. */
  readonly stateDir: string;
  readonly sealer: Sealer;
  readonly now: () => number;
  readonly log: Log;
}

export interface OpenVault {
  readonly vault: TokenVault;
  readonly pruner: Pruner;
  close(): Promise<void>;
}

/** Says at start what a container SAS itself tells: that it has ended, or what it does not permit. */
function warnOfSas(container: Secret, now: number, log: Log): void {
  const { searchParams } = new URL(container.reveal());
  const end = Date.parse(searchParams.get('se') ?? '');
  if (end <= now) log('error', 'the SAS of the token store has ended', { setting: container.setting });
  const permitted = searchParams.get('sp');
  const missing = [...'rwdl'].filter((letter) => permitted !== null && !permitted.includes(letter));
  if (missing.length > 0)
    log('warn', 'the SAS of the token store lacks permissions', {
      setting: container.setting,
      missing: missing.join(''),
    });
}

/** The configured token store, opened, with its upkeep; undefined while the store is off. */
export async function openVault(options: OpenVaultOptions): Promise<OpenVault | undefined> {
  const { settings, stateDir, sealer, now, log } = options;
  const { tokenContainer, tokenDirectory, pruneAfterMs, refreshExtensionMs } = settings;
  if (!settings.tokenStore) return undefined;
  if (tokenContainer !== undefined) warnOfSas(tokenContainer, now(), log);
  const store =
    tokenContainer === undefined
      ? await createFileStore(join(tokenDirectory ?? stateDir, 'tokens'))
      : createBlobStore(tokenContainer);
  const vault = createTokenVault({ store, sealer, log, now });
  const pruner = startPruner({ store, vault, pruneAfterMs, refreshExtensionMs, now, log });
  return {
    vault,
    pruner,
    close: async () => {
      await pruner.stop();
      await store.close();
    },
  };
}
