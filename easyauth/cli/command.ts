import { availableParallelism } from 'node:os';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Environment } from '../config/settings.js';
import { ConfigError, messageOf } from '../errors.js';
import { type LogFormat, type LogLevel, logFormats, logLevels } from '../log.js';
import { type Verb, verbs } from './usage.js';

export type Command =
  | { readonly kind: 'help'; readonly verb: Verb }
  | { readonly kind: 'validate'; readonly config: string | undefined; readonly env: Environment }
  | {
      readonly kind: 'update';
      readonly config: string | undefined;
      readonly hours: number;
      readonly env: Environment;
    }
  | { readonly kind: 'serve'; readonly serve: ServeOptions };

export interface ServeOptions {
  readonly config: string | undefined;
  readonly upstream: string;
  readonly port: number;
  /** How many processes serve. */
  readonly workers: number;
  readonly stateDir: string;
  readonly level: LogLevel;
  readonly format: LogFormat;
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

const common = { config: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const;
const flags: Readonly<Record<Verb, NonNullable<ParseArgsConfig['options']>>> = {
  serve: {
    ...common,
    upstream: { type: 'string' },
    port: { type: 'string' },
    workers: { type: 'string' },
    state: { type: 'string' },
    compat: { type: 'string', multiple: true },
    log: { type: 'string' },
    'log-format': { type: 'string' },
  },
  validate: { ...common, compat: { type: 'string', multiple: true } },
  update: { ...common, 'token-refresh-extension-hours': { type: 'string' } },
};

type Values = Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>>;

function parse(verb: Verb, args: readonly string[]): { values: Values; files: readonly string[] } {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: verb !== 'serve',
      options: flags[verb],
    });
    return { values, files: positionals };
  } catch (error) {
    throw new ConfigError([`${messageOf(error).split('. ')[0]}; see easyauth ${verb} --help`]);
  }
}

function textOf(value: Values[string]): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function portOf(value: string, problems: string[]): number {
  const port = Number(value);
  if (/^\d{1,5}$/.test(value) && port <= 65_535) return port;
  problems.push('EASYAUTH_PORT or --port: must be a port number, 0 to 65535');
  return 0;
}

/** One for each core, but a gateway leaves some of a large machine to the app. */
const mostByDefault = 4;
const most = 64;

function workersOf(value: string | undefined, problems: string[]): number {
  if (value === undefined || value === '') return Math.min(availableParallelism(), mostByDefault);
  const workers = Number(value);
  if (/^\d{1,2}$/.test(value) && workers >= 1 && workers <= most) return workers;
  problems.push(`EASYAUTH_WORKERS or --workers: must be a number of processes, 1 to ${most}`);
  return 1;
}

function levelOf(value: string, problems: string[]): LogLevel {
  const level = Object.hasOwn(traceLevels, value.toLowerCase())
    ? traceLevels[value.toLowerCase()]
    : undefined;
  if (level === undefined)
    problems.push(`WEBSITE_AUTH_TRACE_LEVEL or --log: must be one of ${logLevels.join(', ')}`);
  return level ?? 'info';
}

function formatOf(value: string, problems: string[]): LogFormat {
  const format = logFormats.find((known) => known === value.toLowerCase());
  if (format === undefined)
    problems.push(`EASYAUTH_LOG_FORMAT or --log-format: must be one of ${logFormats.join(', ')}`);
  return format ?? 'human';
}

/** Hours as `az` takes them: a Python float, zero or more. */
function hoursOf(value: string | undefined, problems: string[]): number {
  const name = '--token-refresh-extension-hours';
  if (value === undefined) problems.push(`${name}: is missing`);
  else if (!/^\+?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i.test(value) || !Number.isFinite(Number(value)))
    problems.push(`${name}: must be a number of hours, zero or more`);
  return Number(value);
}

function withCompat(env: Environment, values: Values): Environment {
  const given = Array.isArray(values.compat) ? values.compat : [];
  const all = [env.EASYAUTH_COMPAT ?? '', ...given].filter((item) => item !== '');
  return { ...env, EASYAUTH_COMPAT: all.join(',') };
}

function serveOptions(values: Values, env: Environment, problems: string[]): ServeOptions {
  const upstream = textOf(values.upstream) ?? env.EASYAUTH_UPSTREAM ?? '';
  if (upstream === '') problems.push('EASYAUTH_UPSTREAM or --upstream: is missing');
  return {
    config: textOf(values.config),
    upstream,
    port: portOf(textOf(values.port) ?? env.EASYAUTH_PORT ?? '8080', problems),
    workers: workersOf(textOf(values.workers) ?? env.EASYAUTH_WORKERS, problems),
    stateDir: textOf(values.state) ?? env.WEBSITE_AUTH_STATE_DIRECTORY ?? '.easyauth',
    level: levelOf(textOf(values.log) ?? env.WEBSITE_AUTH_TRACE_LEVEL ?? 'info', problems),
    format: formatOf(textOf(values['log-format']) ?? env.EASYAUTH_LOG_FORMAT ?? 'human', problems),
    env: withCompat(env, values),
  };
}

function verbOf(args: readonly string[]): { verb: Verb; rest: readonly string[] } {
  const [first = '', ...rest] = args;
  if (first === '' || first.startsWith('-')) return { verb: 'serve', rest: args };
  const verb = verbs.find((known) => known === first);
  if (verb === undefined) throw new ConfigError([`${first}: is no command; see easyauth --help`]);
  return { verb, rest };
}

/**
 * Reads the command line over the environment.
 * @throws ConfigError listing every option that cannot be used
 */
export function readCommand(args: readonly string[], env: Environment): Command {
  const { verb, rest } = verbOf(args);
  const { values, files } = parse(verb, rest);
  if (values.help === true) return { kind: 'help', verb };
  const problems: string[] = [];
  const [file, ...more] = files;
  if (more.length > 0 || (file !== undefined && values.config !== undefined))
    problems.push('name one configuration file');
  const config = file ?? textOf(values.config);
  const hours =
    verb === 'update' ? hoursOf(textOf(values['token-refresh-extension-hours']), problems) : undefined;
  const serve = verb === 'serve' ? serveOptions(values, env, problems) : undefined;
  if (problems.length > 0) throw new ConfigError(problems);
  if (serve !== undefined) return { kind: 'serve', serve };
  if (hours !== undefined) return { kind: 'update', config, hours, env };
  return { kind: 'validate', config, env: withCompat(env, values) };
}
