import { parseArgs } from 'node:util';
import type { Environment } from './config/settings.js';
import { ConfigError, messageOf } from './errors.js';
import { type LogLevel, logLevels } from './log.js';

export const usage = `Easy Auth in front of any app.

  easyauth [--config auth.json] --upstream http://localhost:7071 [options]
  easyauth validate [auth.json]        say what the configuration means, or everything wrong with it

Options
  --config FILE      authsettingsV2 as JSON (else WEBSITE_AUTH_V2_CONFIG_JSON, else WEBSITE_AUTH_FROM_FILE)
  --upstream URL     the app                                     EASYAUTH_UPSTREAM
  --port N           where to listen, default 8080, 0 = any      EASYAUTH_PORT
  --state DIR        keys and tokens, default .easyauth          WEBSITE_AUTH_STATE_DIRECTORY
  --compat NAME=V    a named compatibility option, repeatable    EASYAUTH_COMPAT (between commas)
  --log LEVEL        off, error, warn, info, trace               WEBSITE_AUTH_TRACE_LEVEL
  --help

Secrets come from the environment only: each ...SettingName in the configuration names a variable.
`;

export type Command =
  | { readonly kind: 'help' }
  | { readonly kind: 'validate'; readonly config: string | undefined; readonly env: Environment }
  | { readonly kind: 'serve'; readonly serve: ServeOptions };

export interface ServeOptions {
  readonly config: string | undefined;
  readonly upstream: string;
  readonly port: number;
  readonly stateDir: string;
  readonly level: LogLevel;
  readonly env: Environment;
}

const traceLevels: Readonly<Record<string, LogLevel>> = {
  off: 'off',
  error: 'error',
  warning: 'warn',
  warn: 'warn',
  information: 'info',
  info: 'info',
  verbose: 'trace',
  trace: 'trace',
};

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        config: { type: 'string' },
        upstream: { type: 'string' },
        port: { type: 'string' },
        state: { type: 'string' },
        compat: { type: 'string', multiple: true },
        log: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw new ConfigError([messageOf(error)]);
  }
}

function portOf(value: string, problems: string[]): number {
  const port = Number(value);
  if (/^\d{1,5}$/.test(value) && port <= 65_535) return port;
  problems.push('EASYAUTH_PORT or --port: must be a port number, 0 to 65535');
  return 0;
}

function levelOf(value: string, problems: string[]): LogLevel {
  const level = traceLevels[value.toLowerCase()];
  if (level === undefined)
    problems.push(`WEBSITE_AUTH_TRACE_LEVEL or --log: must be one of ${logLevels.join(', ')}`);
  return level ?? 'info';
}

/**
 * Reads the command line over the environment.
 * @throws ConfigError listing every option that cannot be used
 */
export function readCommand(args: readonly string[], env: Environment): Command {
  const { values, positionals } = parse(args);
  if (values.help === true) return { kind: 'help' };
  const [verb, file, ...rest] = positionals;
  const compat = [env.EASYAUTH_COMPAT ?? '', ...(values.compat ?? [])]
    .filter((item) => item !== '')
    .join(',');
  const merged = { ...env, EASYAUTH_COMPAT: compat };
  if (verb === 'validate' && rest.length === 0)
    return { kind: 'validate', config: file ?? values.config, env: merged };
  const problems: string[] = [];
  if (verb !== undefined) problems.push(`${verb}: is no command; see --help`);
  const upstream = values.upstream ?? env.EASYAUTH_UPSTREAM ?? '';
  if (upstream === '') problems.push('EASYAUTH_UPSTREAM or --upstream: is missing');
  const serve: ServeOptions = {
    config: values.config,
    upstream,
    port: portOf(values.port ?? env.EASYAUTH_PORT ?? '8080', problems),
    stateDir: values.state ?? env.WEBSITE_AUTH_STATE_DIRECTORY ?? '.easyauth',
    level: levelOf(values.log ?? env.WEBSITE_AUTH_TRACE_LEVEL ?? 'info', problems),
    env: merged,
  };
  if (problems.length > 0) throw new ConfigError(problems);
  return { kind: 'serve', serve };
}
