import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type LogLevel, logLevels } from '../log.js';
import { isObject, readJsonFile } from './json_file.js';
import { openSection, type Report, type Section } from './section.js';

export interface HttpConfig {
  routePrefix: string;
  /** Requests waiting or running before 429; -1 for no limit. */
  maxOutstandingRequests: number;
  /** Requests running at once, the others wait; -1 for no limit. */
  maxConcurrentRequests: number;
  customHeaders: Readonly<Record<string, string>>;
}

export interface QueueConfig {
  batchSize: number;
  newBatchThreshold: number;
  maxDequeueCount: number;
  visibilityTimeoutMs: number;
  maxPollingIntervalMs: number;
  messageEncoding: 'base64' | 'none';
}

export interface HostConfig {
  hostId: string | undefined;
  /** Undefined for no limit. */
  functionTimeoutMs: number | undefined;
  logThresholds: Readonly<Record<string, LogLevel>>;
  /** Names of the only functions to load; undefined for all. */
  functions: readonly string[] | undefined;
  http: HttpConfig;
  queues: QueueConfig;
  /** How long a lost timer lock may stay unnoticed, in seconds, and how often a waiting instance asks for it, in ms. */
  lockSeconds: number;
  lockPollMs: number;
}

// Members the real host reads that mean nothing on one machine.
const withoutEffect = [
  'extensionBundle',
  'watchDirectories',
  'watchFiles',
  'managedDependency',
  'aggregator',
];
const alsoWithoutEffect = [
  'healthMonitor',
  'concurrency',
  'telemetryMode',
  'sendCanceledInvocationsToWorker',
];

/** Reads `host.json` of the app with its `AzureFunctionsJobHost__…` overrides. Problems and unknown members go to `report`. */
export function readHostConfig(appRoot: string, env: NodeJS.ProcessEnv, report: Report): HostConfig {
  const file = readJsonFile(join(appRoot, 'host.json'), 'host.json');
  if (file.problem) report.problem(file.problem);
  else if (file.value === undefined) report.problem('host.json is missing');
  const root = openSection(withOverrides(file.value, env), 'host.json', report);
  if (root.raw('version') !== '2.0' && file.value !== undefined) {
    report.problem('host.json.version must be "2.0"');
  }
  for (const name of [...withoutEffect, ...alsoWithoutEffect]) root.raw(name);
  const config = readSections(root, env, report);
  root.finish();
  return config;
}

function readSections(root: Section, env: NodeJS.ProcessEnv, report: Report): HostConfig {
  const extensions = root.child('extensions');
  const singleton = root.child('singleton');
  for (const name of ['lockPeriod', 'lockAcquisitionTimeout', 'lockAcquisitionPollingInterval']) {
    singleton.raw(name);
  }
  return {
    hostId: root.text('id') ?? env.AzureFunctionsWebHost__hostid,
    functionTimeoutMs: readFunctionTimeout(root, report),
    logThresholds: readLogThresholds(root.child('logging'), report),
    functions: readFunctionNames(root, report),
    http: readHttp(extensions.child('http'), report),
    queues: readQueues(extensions.child('queues'), env, report),
    // 15 s is the shortest lease storage grants. Azure's own default is 60 s; here a killed host is back within seconds.
    lockSeconds: Math.min(60, (singleton.duration('listenerLockPeriod', 15_000) ?? 15_000) / 1000),
    lockPollMs: singleton.duration('listenerLockRecoveryPollingInterval', 100) ?? 2_000,
  };
}

function readFunctionTimeout(root: Section, report: Report): number | undefined {
  if (String(root.raw('functionTimeout')) === '-1') return undefined;
  const ms = root.duration('functionTimeout', 1) ?? 30 * 60_000;
  if (ms >= 2 ** 31) report.problem('host.json.functionTimeout must be below 24 days, or -1');
  return ms;
}

function readLogThresholds(logging: Section, report: Report): Record<string, LogLevel> {
  for (const name of ['applicationInsights', 'console', 'fileLoggingMode', 'debug']) logging.raw(name);
  const levels = logging.raw('logLevel') ?? {};
  const thresholds: Record<string, LogLevel> = { default: 'information' };
  for (const [category, value] of Object.entries(isObject(levels) ? levels : {})) {
    const level = logLevels.find((name) => name === String(value).toLowerCase());
    if (level) thresholds[category.toLowerCase() === 'default' ? 'default' : category] = level;
    else report.problem(`host.json.logging.logLevel.${category} must be one of ${logLevels.join(', ')}`);
  }
  return thresholds;
}

function readFunctionNames(root: Section, report: Report): string[] | undefined {
  const names = root.raw('functions');
  if (names === undefined) return undefined;
  if (Array.isArray(names) && names.every((name) => typeof name === 'string')) return names;
  report.problem('host.json.functions must be a list of function names');
  return undefined;
}

function readHttp(http: Section, report: Report): HttpConfig {
  const routePrefix = (http.text('routePrefix') ?? 'api').replace(/^\/+|\/+$/g, '');
  if (/^(admin|runtime)/i.test(routePrefix)) {
    report.problem('host.json.extensions.http.routePrefix must not begin with admin or runtime');
  }
  for (const name of ['dynamicThrottlesEnabled', 'hsts']) http.raw(name);
  const custom = http.raw('customHeaders') ?? {};
  const customHeaders: Record<string, string> = {};
  for (const [name, value] of Object.entries(isObject(custom) ? custom : {})) {
    const valid =
      /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(String(value));
    if (valid) customHeaders[name.toLowerCase()] = String(value);
    else report.problem(`host.json.extensions.http.customHeaders.${name} is not a valid header`);
  }
  return {
    routePrefix,
    maxOutstandingRequests: http.integer('maxOutstandingRequests', -1, 1e9) ?? -1,
    maxConcurrentRequests: http.integer('maxConcurrentRequests', -1, 1e9) ?? -1,
    customHeaders,
  };
}

function readQueues(queues: Section, env: NodeJS.ProcessEnv, report: Report): QueueConfig {
  const batchSize = queues.integer('batchSize', 1, 32) ?? 16;
  const encoding = (queues.text('messageEncoding') ?? 'base64').toLowerCase();
  if (encoding !== 'base64' && encoding !== 'none') {
    report.problem('host.json.extensions.queues.messageEncoding must be base64 or none');
  }
  const development = (env.AZURE_FUNCTIONS_ENVIRONMENT ?? 'Development').toLowerCase() === 'development';
  return {
    batchSize,
    newBatchThreshold:
      queues.integer('newBatchThreshold', 0, 1e6) ?? Math.floor(batchSize / 2) * availableParallelism(),
    maxDequeueCount: queues.integer('maxDequeueCount', 1, 1e6) ?? 5,
    visibilityTimeoutMs: queues.duration('visibilityTimeout') ?? 0,
    maxPollingIntervalMs: queues.duration('maxPollingInterval', 100) ?? (development ? 2_000 : 60_000),
    messageEncoding: encoding === 'none' ? 'none' : 'base64',
  };
}

/** `AzureFunctionsJobHost__a__b=v` (or with colons) replaces member `a.b`, whatever the case of its name. */
function withOverrides(value: unknown, env: NodeJS.ProcessEnv): unknown {
  const root = isObject(value) ? structuredClone(value) : value;
  for (const [name, setting] of Object.entries(env)) {
    const match = /^AzureFunctionsJobHost(?:__|:)(.+)$/i.exec(name);
    if (!match?.[1] || setting === undefined || !isObject(root)) continue;
    place(root, match[1].split(/__|:/), setting);
  }
  return root;
}

function place(root: Record<string, unknown>, path: string[], setting: string): void {
  let at = root;
  for (const [index, part] of path.entries()) {
    const name = Object.keys(at).find((key) => key.toLowerCase() === part.toLowerCase()) ?? part;
    if (name === '__proto__') return;
    if (index === path.length - 1) {
      at[name] = setting;
      return;
    }
    const next = at[name];
    const inner = isObject(next) ? next : {};
    at[name] = inner;
    at = inner;
  }
}
