import type { ServerResponse } from 'node:http';
import { hostVersion } from '../app/core_module.js';
import type { HostFunction } from '../app/functions.js';
import { isObject } from '../app/json_file.js';
import { readBody } from './body.js';
import { givenKey, type IncomingCall } from './function_request.js';
import type { KeyRing } from './keys.js';
import type { Answer } from './response.js';

export interface AdminDeps {
  /** Every function of the app, switched off or not. */
  functions: readonly HostFunction[];
  isDisabled: (name: string) => boolean;
  /** The template of an HTTP function with its prefix. */
  template: (fn: HostFunction) => string;
  keys: KeyRing;
  hostId: string;
  answer: Answer;
  /** Starts a timer or queue function by hand and returns at once; what goes wrong is only logged. */
  runManually: (fn: HostFunction, input: string) => void;
}

const inputLimit = 1_048_576;

/** Serves `/admin/*`: status, the list of functions, and manual runs. The master key opens it, where keys are configured. */
export async function serveAdmin(deps: AdminDeps, call: IncomingCall): Promise<void> {
  const { res, method, target } = call;
  if (!deps.keys.opens('admin', '', givenKey(call))) return deps.answer(res, 401);
  const parts = target.path.split('/').filter(Boolean).slice(1);
  const [area, name, detail] = parts.map((part) => part.toLowerCase());
  if (area === 'host' && parts.length === 2) return serveHost(deps, call, name ?? '');
  if (area !== 'functions' || parts.length > 3) return deps.answer(res, 404);
  if (name === undefined) {
    if (method !== 'GET') return deps.answer(res, 404);
    return sendJson(
      deps,
      res,
      deps.functions.map((fn) => describe(deps, call.origin, fn)),
    );
  }
  const fn = deps.functions.find((candidate) => candidate.name.toLowerCase() === name);
  if (method === 'POST' && detail === undefined) return startManually(deps, call, fn);
  if (!fn || method !== 'GET') return deps.answer(res, 404);
  if (detail === undefined) return sendJson(deps, res, describe(deps, call.origin, fn));
  if (detail === 'status') return sendJson(deps, res, { isDisabled: deps.isDisabled(fn.name), errors: [] });
  return deps.answer(res, 404);
}

function serveHost(deps: AdminDeps, { res, method }: IncomingCall, name: string): void {
  if (name === 'ping' && (method === 'GET' || method === 'POST')) deps.answer(res, 200);
  else if (name !== 'status' || method !== 'GET') deps.answer(res, 404);
  else {
    sendJson(deps, res, {
      id: deps.hostId,
      state: 'Running',
      version: hostVersion,
      versionDetails: `${hostVersion} (local)`,
      processUptime: Math.round(process.uptime() * 1000),
    });
  }
}

async function startManually(
  deps: AdminDeps,
  call: IncomingCall,
  fn: HostFunction | undefined,
): Promise<void> {
  const { req, res, headers } = call;
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(headers['content-type'] ?? ''))
    return deps.answer(res, 415);
  const body = await readBody(req, inputLimit);
  const input = body && readInput(body.toString('utf8'));
  if (input === undefined) return deps.answer(res, 400);
  if (!fn) return deps.answer(res, 404);
  if (fn.trigger.kind === 'http') {
    return deps.answer(res, 400, 'An HTTP function cannot be run this way: call its URL.');
  }
  deps.runManually(fn, input);
  deps.answer(res, 202);
}

function readInput(text: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const input = value.input ?? '';
  return typeof input === 'object' ? undefined : String(input);
}

function describe(deps: AdminDeps, origin: string, fn: HostFunction): object {
  const bindings = Object.entries(fn.metadata.bindings).map(([name, binding]) => ({ ...binding, name }));
  const isHttp = fn.trigger.kind === 'http';
  return {
    name: fn.name,
    href: `${origin}/admin/functions/${fn.name}`,
    invoke_url_template: isHttp ? `${origin}/${deps.template(fn)}` : undefined,
    language: 'node',
    isDisabled: deps.isDisabled(fn.name),
    config: { name: fn.name, bindings },
  };
}

function sendJson({ answer }: AdminDeps, res: ServerResponse, value: object): void {
  answer(res, 200, JSON.stringify(value), 'application/json; charset=utf-8');
}
