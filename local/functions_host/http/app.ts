import type { IncomingMessage, ServerResponse } from 'node:http';
import { isDisabled } from '../app/app_settings.js';
import type { HostFunction } from '../app/functions.js';
import type { HostConfig } from '../app/host_json.js';
import type { Report } from '../app/section.js';
import { errorText } from '../errors.js';
import type { InvocationInput, Invoker } from '../invocation/invoker.js';
import type { PreparedListener } from '../listeners.js';
import type { Log } from '../log.js';
import { manualInput } from '../queue/message.js';
import { timerInfo } from '../timer/listener.js';
import { defaultBodyLimit } from './body.js';
import type { HttpFunction } from './function_request.js';
import { createHandler } from './handler.js';
import { createHeaderReader } from './headers.js';
import { readKeys } from './keys.js';
import { createResponder } from './response.js';
import { createRouter } from './router.js';
import { createThrottle } from './throttle.js';

export interface HttpAppOptions {
  env: NodeJS.ProcessEnv;
  config: HostConfig;
  log: Log;
  findings: Report;
  keysPath: string | undefined;
}

export interface AttachedApp {
  functions: readonly HostFunction[];
  prepared: readonly PreparedListener[];
  invoker: Invoker;
  hostId: string;
}

/** The HTTP side of the host: answers 503 until an app is attached, and again after `stop`. */
export interface HttpApp {
  handler: (req: IncomingMessage, res: ServerResponse) => void;
  /** Compiles the routes of the app. Malformed ones are problems. */
  attach(app: AttachedApp): void;
  /** Serves the attached app from now on. */
  start(): void;
  stop(): void;
}

export function createHttpApp(options: HttpAppOptions): HttpApp {
  const { env, config, findings } = options;
  const fixed = {
    log: options.log,
    keys: readKeys(options.keysPath, findings),
    throttle: createThrottle(config.http),
    bodyLimit: readBodyLimit(env, findings),
    responder: createResponder(config.http.customHeaders),
    readHeaders: createHeaderReader(env.EASYAUTH_GATEWAY_SECRET),
    homepageOff: /^(true|1)$/i.test(env.AzureWebJobsDisableHomepage ?? ''),
  };
  let running = false;
  let handle: (req: IncomingMessage, res: ServerResponse) => void = (_, res) =>
    fixed.responder.answer(res, 503, 'Function host is not running.');
  return {
    handler: (req, res) => handle(req, res),
    attach({ functions, prepared, invoker, hostId }) {
      const template = (fn: HostFunction) => routeTemplate(fn, config);
      const routed = functions.filter((fn) => !isDisabled(fn.name, env));
      const admin = {
        functions,
        isDisabled: (name: string) => isDisabled(name, env),
        template,
        keys: fixed.keys,
        hostId,
        answer: fixed.responder.answer,
        runManually: manualRunner(prepared, invoker, options.log),
      };
      // Routes of switched-off functions are checked too, so that switching one on cannot break the start.
      createRouter(
        functions.flatMap((fn) => toHttpFunction(fn, template)),
        findings,
      );
      const route = createRouter(
        routed.flatMap((fn) => toHttpFunction(fn, template)),
        ignored,
      );
      handle = createHandler({ ...fixed, invoker, route, admin, isRunning: () => running });
    },
    start() {
      running = true;
    },
    stop() {
      running = false;
    },
  };
}

const ignored: Report = { problem: () => undefined, warning: () => undefined };

function routeTemplate(fn: HostFunction, config: HostConfig): string {
  if (fn.trigger.kind !== 'http') return '';
  return [config.http.routePrefix, fn.trigger.route].filter(Boolean).join('/');
}

function toHttpFunction(fn: HostFunction, template: (fn: HostFunction) => string): HttpFunction[] {
  if (fn.trigger.kind !== 'http') return [];
  return [{ name: fn.name, methods: fn.trigger.methods, template: template(fn), fn, trigger: fn.trigger }];
}

function readBodyLimit(env: NodeJS.ProcessEnv, report: Report): number {
  const text = env.FUNCTIONS_REQUEST_BODY_SIZE_LIMIT;
  if (!text) return defaultBodyLimit;
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  report.problem('FUNCTIONS_REQUEST_BODY_SIZE_LIMIT must be a number of bytes');
  return defaultBodyLimit;
}

/** Manual runs take no lock and are no retries: the handler must stand running twice at once. */
function manualRunner(
  prepared: readonly PreparedListener[],
  invoker: Invoker,
  log: Log,
): (fn: HostFunction, input: string) => void {
  return (fn, input) => {
    const schedule = prepared.find((listener) => listener.fn === fn)?.schedule;
    const given: InvocationInput = schedule
      ? { data: timerInfo(schedule, undefined, false) }
      : manualInput(input);
    log.write('information', `Function.${fn.name}`, 'started by hand', { function: fn.name });
    invoker.invoke(fn, given).catch((error: unknown) => {
      log.write('error', `Function.${fn.name}`, `failed: ${errorText(error)}`, { function: fn.name });
    });
  };
}
