import { requireSettings } from './config/read.js';
import type { Environment } from './config/settings.js';
import { loadDocument } from './config/source.js';
import { type MasterKeys, readMasterKeys } from './crypto/keys.js';
import { ConfigError } from './errors.js';
import type { Log } from './log.js';
import { warnOfSas } from './store/sas_warning.js';

/**
 * What all processes of one gateway must agree on, read once. It is plain data, so that it can be sent to another process; it holds
 * key material and is never logged.
 */
export interface GatewayPlan {
  /** The configuration document; secrets are in the environment. */
  readonly document: unknown;
  readonly keys: MasterKeys;
  /** Origin of the app. */
  readonly upstream: string;
  /** 0 takes a free port. */
  readonly port: number;
  readonly stateDir: string;
}

interface PlanSource {
  readonly config?: unknown;
  readonly upstream: string;
  readonly port: number;
  readonly stateDir: string;
  readonly env: Environment;
  readonly now: () => number;
  readonly log: Log;
}

function originOf(address: string): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const good =
    url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '';
  if (url === undefined || !good)
    throw new ConfigError(['upstream: must be an http or https address without a path']);
  return url.origin;
}

/** The secret that tells the app which requests came through the gateway. @throws ConfigError */
export function gatewaySecretOf(env: Environment): string | undefined {
  const secret = env.EASYAUTH_GATEWAY_SECRET;
  if (secret === undefined || secret === '') return undefined;
  if (/^[\x21-\x7e]{16,512}$/.test(secret)) return secret;
  throw new ConfigError(['EASYAUTH_GATEWAY_SECRET: must be 16 to 512 visible ASCII characters']);
}

/**
 * Reads and checks everything a gateway is started with, and tells the warnings.
 * @throws ConfigError listing everything wrong with configuration, keys or upstream
 */
export function planGateway(source: PlanSource): GatewayPlan {
  const { env, log, stateDir, port } = source;
  const upstream = originOf(source.upstream);
  const document = loadDocument(source.config, env).value;
  const { settings, warnings } = requireSettings(document, env);
  for (const warning of warnings) log('warn', warning);
  gatewaySecretOf(env);
  if (settings.tokenStore) warnOfSas(settings, source.now(), log);
  return { document, keys: readMasterKeys({ settings, env, stateDir, log }), upstream, port, stateDir };
}
