import { createOwnPeers, type Peers } from './cluster/peers.js';
import { requireSettings } from './config/read.js';
import type { Environment } from './config/settings.js';
import { keysOf } from './crypto/keys.js';
import { createSealer } from './crypto/seal.js';
import { createCsrfCheck } from './gate/csrf.js';
import { createGate } from './gate/gate.js';
import { drain, listen, trackUpgrades } from './listening.js';
import type { Log } from './log.js';
import { type GatewayPlan, gatewaySecretOf, planGateway } from './plan.js';
import { createProviders } from './providers/create.js';
import { createProviderHttp } from './providers/openid/provider_http.js';
import { createForwarder } from './proxy/forward.js';
import type { RouteContext } from './routes/context.js';
import { createGatewayServer } from './server.js';
import { createNativeCodes } from './session/native_code.js';
import { createSessionCodec } from './session/session_codec.js';
import { createSessionTokens } from './session/session_token.js';
import { openVault } from './store/open_vault.js';

export interface GatewayOptions {
  /** The path of `auth.json`, or its content; undefined to find it through the environment. */
  readonly config?: unknown;
  /** Where the app listens, such as `http://localhost:7071`. */
  readonly upstream: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Holds keys and, unless the configuration names a directory, tokens. */
  readonly stateDir: string;
  readonly env: Environment;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  readonly log: Log;
}

export interface Gateway {
  /** `http://localhost:<port>`. */
  readonly url: string;
  readonly port: number;
  /** Stops accepting, lets running requests end (10 s at most), then closes everything. */
  close(): Promise<void>;
}

/** What one process of a gateway works with beside the plan. */
export interface ProcessMeans {
  readonly env: Environment;
  readonly now: () => number;
  readonly log: Log;
  readonly peers: Peers;
  /** Whether this process looks after the token store; one of a gateway's processes does. */
  readonly prunes: boolean;
}

/**
 * Serves a plan in this process, on 127.0.0.1.
 * @throws ConfigError when the port is taken
 */
export async function runGateway(plan: GatewayPlan, means: ProcessMeans): Promise<Gateway> {
  const { env, now, log, peers, prunes } = means;
  const { stateDir } = plan;
  const { settings } = requireSettings(plan.document, env);
  const upstream = new URL(plan.upstream);
  const keys = keysOf(plan.keys);
  const http = createProviderHttp();
  const forwarder = createForwarder(upstream);
  const sealer = createSealer(keys, 'token store');
  const opened = await openVault({ settings, stateDir, sealer, now, log, http, peers, prunes });
  const spend = opened?.claim ?? peers.claim;
  const context: RouteContext = {
    settings,
    vault: opened?.vault,
    providers: createProviders(settings, { http, now, log }),
    codec: createSessionCodec(createSealer(keys, 'session cookie')),
    sessionTokens: createSessionTokens({
      signers: keys.sessionTokens,
      sealer: createSealer(keys, 'session token'),
      sidStyle: settings.sidStyle,
      now,
    }),
    nativeCodes: createNativeCodes({ sealer: createSealer(keys, 'native code'), now, spend }),
    nonceSealer: createSealer(keys, 'nonce cookie'),
    isForged: createCsrfCheck(settings),
    now,
    log,
  };
  const gate = createGate(context);
  const gatewaySecret = gatewaySecretOf(env);
  const server = createGatewayServer({ settings, gate, forwarder, upstream, gatewaySecret, log });
  const upgraded = trackUpgrades(server);
  const stop = async () => {
    await Promise.all([forwarder.close(), http.close(), opened?.close()]);
  };
  const port = await listen(server, plan.port).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url: `http://localhost:${port}`,
    port,
    close: async () => {
      await drain(server, upgraded);
      await stop();
    },
  };
}

/**
 * Starts the gateway in this process, on 127.0.0.1 in front of an app.
 * @throws ConfigError listing everything wrong with configuration, keys, upstream or port
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { env, log } = options;
  const now = options.now ?? Date.now;
  const plan = planGateway({ ...options, now });
  const peers = createOwnPeers(now);
  const gateway = await runGateway(plan, { env, now, log, peers, prunes: true });
  log('info', 'listening', { url: gateway.url, upstream: plan.upstream });
  return gateway;
}
