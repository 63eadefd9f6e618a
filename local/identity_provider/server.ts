import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import type { Server } from 'node:http';
import { join } from 'node:path';
import { adminRoutes } from './admin/routes.js';
import type { Core } from './core.js';
import { createDirectory } from './directory/directory.js';
import { checkDirectory } from './directory/load.js';
import { entraRoutes } from './entra/routes.js';
import { createFaults } from './faults.js';
import { ensurePrivateFolder, readOrCreate } from './files.js';
import { graphRoutes } from './graph/routes.js';
import { createRouter } from './http/router.js';
import { answerWith, listen } from './listener.js';
import type { Log } from './log.js';
import { managedIdentityRoutes } from './managed_identity.js';
import { personalityRoutes } from './personalities/routes.js';
import { createRequestLog } from './request_log.js';
import { createSealer } from './sealed.js';
import { loadSigningKeys } from './signing_keys.js';
import { openState } from './state.js';

const DRAIN_MS = 3000;

export type IdentityProviderOptions = Readonly<{
  /** The parsed directory file; checked whole. */
  directory: unknown;
  /** Folder for keys and state, made with mode 0700. */
  stateDir: string;
  /** 0 takes a free port. */
  port: number;
  /** Base of issuers and endpoints when it is not `http://localhost:{port}`. */
  publicUrl?: string;
  /** Secret of the managed-identity endpoint; made and kept in the state folder when not given. */
  identityHeader?: string;
  /** Milliseconds since the epoch. */
  now?: () => number;
  log: Log;
}>;

export type IdentityProvider = Readonly<{
  url: string;
  port: number;
  identityHeader: string;
  /** Stops taking connections, lets calls under way finish for up to 3 s, then cuts the rest. */
  close: () => Promise<void>;
}>;

async function openParts(stateDir: string) {
  ensurePrivateFolder(stateDir);
  const key = await readOrCreate(join(stateDir, 'seal.key'), () => randomBytes(32).toString('base64'));
  return {
    sealer: createSealer(Buffer.from(key, 'base64')),
    keys: await loadSigningKeys(join(stateDir, 'signing_keys.json')),
    store: openState(join(stateDir, 'state.json')),
    identityHeader: await readOrCreate(join(stateDir, 'identity_header'), () =>
      randomBytes(24).toString('base64url'),
    ),
  };
}

function closer(server: Server, closing: AbortController): () => Promise<void> {
  return () =>
    new Promise((resolve) => {
      const force = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      closing.abort();
      server.close(() => {
        clearTimeout(force);
        resolve();
      });
    });
}

/**
 * Starts the identity provider on 127.0.0.1.
 * @throws DirectoryError with every problem of the directory; what `listen` throws for a port that is taken
 */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const directory = createDirectory(checkDirectory(options.directory));
  const parts = await openParts(options.stateDir);
  const { server, port } = await listen(options.port);
  const core: Core = {
    ...parts,
    identityHeader: options.identityHeader ?? parts.identityHeader,
    directory,
    baseUrl: (options.publicUrl ?? `http://localhost:${port}`).replace(/\/+$/, ''),
    faults: createFaults(),
    requests: createRequestLog(),
    now: options.now ?? Date.now,
    log: options.log,
  };
  const closing = new AbortController();
  setMaxListeners(0, closing.signal);
  const router = createRouter([
    ...adminRoutes(core),
    ...graphRoutes(core),
    ...managedIdentityRoutes(core),
    ...personalityRoutes(core),
    ...entraRoutes(core),
  ]);
  server.on('request', answerWith(core, router, closing.signal));
  const close = closer(server, closing);
  return { url: core.baseUrl, port, identityHeader: core.identityHeader, close };
}
