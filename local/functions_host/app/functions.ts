import type { RegisteredFunction } from './core_module.js';
import type { BindingInfo, FunctionCallback, FunctionMetadata, RetryOptions } from './core_types.js';
import { isObject } from './json_file.js';
import type { Report } from './section.js';

export type AuthLevel = 'anonymous' | 'function' | 'admin';

export interface HttpTrigger {
  kind: 'http';
  authLevel: AuthLevel;
  /** Upper case, at least one. */
  methods: readonly string[];
  /** Without the prefix; the function's name when the app gave none. */
  route: string;
  /** The name of the binding that carries the response, or undefined when there is none. */
  output: string | undefined;
}

export interface TimerTrigger {
  kind: 'timer';
  schedule: string;
  runOnStartup: boolean;
  useMonitor: boolean;
}

export interface QueueTrigger {
  kind: 'queue';
  queueName: string;
  connection: string | undefined;
}

export interface QueueOutput {
  binding: string;
  queueName: string;
  connection: string | undefined;
}

/** One function of the app, its bindings read and checked. */
export interface HostFunction {
  name: string;
  metadata: FunctionMetadata;
  callback: FunctionCallback;
  /** The name of the trigger's binding. */
  triggerBinding: string;
  trigger: HttpTrigger | TimerTrigger | QueueTrigger;
  queueOutputs: readonly QueueOutput[];
  retry: RetryOptions | undefined;
}

/** Reads what the app registered. Every fault is a problem naming its function; such a function is left out. */
export function readFunctions(registered: readonly RegisteredFunction[], report: Report): HostFunction[] {
  const functions: HostFunction[] = [];
  for (const item of registered) {
    let sound = true;
    const problem = (text: string) => {
      sound = false;
      report.problem(`function "${item.metadata.name}": ${text}`);
    };
    const read = readFunction(item, problem);
    if (read && sound) functions.push(read);
  }
  return functions;
}

type Problem = (text: string) => void;

function readFunction(
  { metadata, callback }: RegisteredFunction,
  problem: Problem,
): HostFunction | undefined {
  if (!/^[a-z][a-z0-9_-]{0,127}$/i.test(metadata.name) || metadata.name.toLowerCase() === 'host') {
    problem('a name is a letter, then up to 127 letters, digits, "_" or "-", and not "host"');
  }
  if (typeof callback !== 'function') problem('its handler is not a function');
  const bindings = Object.entries(metadata.bindings);
  const triggers = bindings.filter(([, binding]) => /trigger$/i.test(binding.type));
  const [first] = triggers;
  if (!first || triggers.length > 1) {
    problem(`it has ${triggers.length} triggers instead of one`);
    return undefined;
  }
  const others = bindings.filter((binding) => binding !== first);
  const queueOutputs = others.flatMap(([name, binding]) => readOutput(name, binding, problem));
  const trigger = readTrigger(first[1], others, metadata.name, problem);
  if (!trigger) return undefined;
  const retry = isObject(metadata.retryOptions) ? metadata.retryOptions : undefined;
  return { name: metadata.name, metadata, callback, triggerBinding: first[0], trigger, queueOutputs, retry };
}

function readOutput(name: string, binding: BindingInfo, problem: Problem): QueueOutput[] {
  const type = binding.type.toLowerCase();
  if (binding.direction === 'out' && type === 'http') return [];
  if (binding.direction === 'out' && type === 'queue') {
    return [{ binding: name, queueName: text(binding.queueName), connection: optional(binding.connection) }];
  }
  problem(
    `this host does not know the ${binding.direction === 'in' ? 'input' : 'output'} binding ${binding.type}`,
  );
  return [];
}

function readTrigger(
  binding: BindingInfo,
  others: readonly (readonly [string, BindingInfo])[],
  name: string,
  problem: Problem,
): HostFunction['trigger'] | undefined {
  switch (binding.type.toLowerCase()) {
    case 'httptrigger': {
      const output = others.find(([, other]) => other.type.toLowerCase() === 'http')?.[0];
      return readHttpTrigger(binding, output, name, problem);
    }
    case 'timertrigger':
      return {
        kind: 'timer',
        schedule: text(binding.schedule),
        runOnStartup: binding.runOnStartup === true,
        useMonitor: binding.useMonitor !== false,
      };
    case 'queuetrigger':
      return {
        kind: 'queue',
        queueName: text(binding.queueName),
        connection: optional(binding.connection),
      };
    default:
      problem(`this host does not know the trigger ${binding.type}`);
      return undefined;
  }
}

function readHttpTrigger(
  binding: BindingInfo,
  output: string | undefined,
  name: string,
  problem: Problem,
): HttpTrigger {
  const route = (optional(binding.route) ?? name).replace(/^~?\/+|\/+$/g, '');
  if (/^(admin|runtime)/i.test(route)) problem('a route must not begin with "admin" or "runtime"');
  const level = text(binding.authLevel).toLowerCase() || 'anonymous';
  if (level !== 'anonymous' && level !== 'function' && level !== 'admin') {
    problem(`unknown authLevel "${level}"`);
  }
  const methods = Array.isArray(binding.methods) ? binding.methods.map((m) => String(m).toUpperCase()) : [];
  const unknown = methods.filter(
    (method) => !/^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|TRACE)$/.test(method),
  );
  if (unknown.length > 0) problem(`unknown methods ${unknown.join(', ')}`);
  if (methods.length === 0) problem('it lists no methods');
  const authLevel = level === 'function' || level === 'admin' ? level : 'anonymous';
  return { kind: 'http', authLevel, methods, route, output };
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function optional(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
