import type { Server } from 'node:http';
import { requireSettings } from './config/read.js';
import type { Environment, Settings } from './config/settings.js';
import { loadDocument } from './config/source.js';
import { type Keys, loadKeys } from './crypto/keys.js';
import { createSealer } from './crypto/seal.js';
import { ConfigError } from './errors.js';
import { createCsrfCheck } from './gate/csrf.js';
import { createGate } from './gate/gate.js';
import type { Log } from './log.js';
import { createProviders } from './providers/create.js';
import { createProviderHttp } from './providers/openid/provider_http.js';
import { createForwarder } from './proxy/forward.js';
import type { RouteContext } from './routes/context.js';
import { createGatewayServer } from './server.js';
import { createNativeCodes } from './session/native_code.js';
import { createSessionCodec } from './session/session_codec.js';
import { createSessionTokens } from './session/session_token.js';
import { openVault } from './store/open_vault.js';

const drainMs = 10_000;

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

interface Parts {
  readonly settings: Settings;
  readonly keys: Keys;
  readonly now: () => number;
  readonly log: Log;
}

function upstreamOf(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const good =
    url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '';
  if (url === undefined || !good)
    throw new ConfigError(['upstream: must be an http or https address without a path']);
  return url;
}

function gatewaySecretOf(env: Environment): string | undefined {
  const secret = env.EASYAUTH_GATEWAY_SECRET;
  if (secret === undefined || secret === '') return undefined;
  if (/^[\x21-\x7e]{16,512}$/.test(secret)) return secret;
  throw new ConfigError(['EASYAUTH_GATEWAY_SECRET: must be 16 to 512 visible ASCII characters']);
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE';
      reject(taken ? new ConfigError([`port ${port} is taken; choose another with EASYAUTH_PORT`]) : error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

async function drain(server: Server, upgraded: ReadonlySet<{ destroy(): void }>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of upgraded) socket.destroy();
  // A kept-alive connection becomes idle when its running request ends, and nobody else closes it then.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(timer);
}

/** Sockets handed over to a WebSocket no longer belong to the server's connections, so they are remembered here. */
function trackUpgrades(server: Server): ReadonlySet<{ destroy(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('upgrade', (_request, socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

/**
 * Starts the gateway on 127.0.0.1 in front of an app.
 * @throws ConfigError listing everything wrong with configuration, keys, upstream or port
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { env, log, stateDir } = options;
  const now = options.now ?? Date.now;
  const upstream = upstreamOf(options.upstream);
  const { settings, warnings } = requireSettings(loadDocument(options.config, env).value, env);
  for (const warning of warnings) log('warn', warning);
  const gatewaySecret = gatewaySecretOf(env);
  const parts: Parts = { settings, keys: loadKeys({ settings, env, stateDir, log }), now, log };
  const http = createProviderHttp();
  const forwarder = createForwarder(upstream);
  const sealer = createSealer(parts.keys, 'token store');
  const opened = await openVault({ settings, stateDir, sealer, now, log });
  const context: RouteContext = {
    settings,
    vault: opened?.vault,
    providers: createProviders(settings, { http, now, log }),
    codec: createSessionCodec(createSealer(parts.keys, 'session cookie')),
    sessionTokens: createSessionTokens(
      parts.keys.sessionTokens,
      createSealer(parts.keys, 'session token'),
      now,
    ),
    nativeCodes: createNativeCodes(createSealer(parts.keys, 'native code'), now),
    nonceSealer: createSealer(parts.keys, 'nonce cookie'),
    isForged: createCsrfCheck(settings),
    now,
    log,
  };
  const gate = createGate(context);
  const server = createGatewayServer({ settings, gate, forwarder, upstream, gatewaySecret, log });
  const upgraded = trackUpgrades(server);
  const stop = async () => {
    await Promise.all([forwarder.close(), http.close(), opened?.close()]);
  };
  const port = await listen(server, options.port).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  log('info', 'listening', { url: `http://localhost:${port}`, upstream: upstream.origin });
  return {
    url: `http://localhost:${port}`,
    port,
    close: async () => {
      await drain(server, upgraded);
      await stop();
    },
  };
}
