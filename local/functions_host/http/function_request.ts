import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RpcHttpData } from '../app/core_types.js';
import type { HostFunction, HttpTrigger } from '../app/functions.js';
import { errorText } from '../errors.js';
import type { Invoker } from '../invocation/invoker.js';
import type { Log } from '../log.js';
import { readDeclaredBody } from './body.js';
import type { KeyRing } from './keys.js';
import { joinQuery, type RequestTarget } from './request_target.js';
import type { createResponder } from './response.js';
import type { RouteEntry, RouteMatch } from './router.js';
import type { Throttle } from './throttle.js';

/** A function as the router holds it. */
export interface HttpFunction extends RouteEntry {
  fn: HostFunction;
  trigger: HttpTrigger;
}

/** What has been read of a request before its function is known. */
export interface IncomingCall {
  req: IncomingMessage;
  res: ServerResponse;
  method: string;
  headers: Record<string, string>;
  /** `https://host`, the beginning of `request.url`. */
  origin: string;
  target: RequestTarget;
}

export interface FunctionRequestDeps {
  keys: KeyRing;
  throttle: Throttle;
  /** In bytes; larger bodies are 413. */
  bodyLimit: number;
  invoker: Invoker;
  responder: ReturnType<typeof createResponder>;
  log: Log;
}

/** Takes a matched request through keys, throttle and body to its function, and answers it. Never rejects. */
export async function serveFunction(
  deps: FunctionRequestDeps,
  call: IncomingCall,
  match: RouteMatch<HttpFunction>,
): Promise<void> {
  const { answer } = deps.responder;
  const { fn, trigger } = match.entry;
  if (!deps.keys.opens(trigger.authLevel, fn.name, givenKey(call))) return answer(call.res, 401);
  if (Number(call.req.headers['content-length'] ?? 0) > deps.bodyLimit) {
    call.res.setHeader('connection', 'close');
    return answer(call.res, 413);
  }
  const entered = deps.throttle.enter();
  if (!entered) return answer(call.res, 429);
  const leave = await entered;
  try {
    const body = await readDeclaredBody(call.req);
    if (body) await invoke(deps, call, match, body);
  } catch (error) {
    deps.log.write('error', `Function.${fn.name}`, `failed: ${errorText(error)}`);
    answer(call.res, 500);
    // Half of an answer may be out already: then only a broken connection tells the client.
    if (!call.res.writableEnded) call.res.destroy();
  } finally {
    leave();
  }
}

async function invoke(
  deps: FunctionRequestDeps,
  call: IncomingCall,
  { entry, params }: RouteMatch<HttpFunction>,
  body: Buffer,
): Promise<void> {
  const response = await deps.invoker.invoke(entry.fn, {
    data: { http: toRpcRequest(call, params, body) },
    traceParent: call.headers.traceparent,
    traceState: call.headers.tracestate,
  });
  const { output } = entry.trigger;
  const data =
    output === undefined || output === '$return'
      ? response.returnValue
      : response.outputData?.find(({ name }) => name === output)?.data;
  if (data?.http) deps.responder.respond(call.res, data.http);
  else deps.responder.answer(call.res, 204);
}

function toRpcRequest(call: IncomingCall, params: Record<string, string>, body: Buffer): RpcHttpData {
  const { target, origin, method, headers } = call;
  return {
    url: `${origin}${target.rawPath}${target.rawQuery}`,
    method,
    headers,
    query: joinQuery(target.rawQuery),
    params,
    body: body.length > 0 ? { bytes: body } : undefined,
  };
}

/** The key a caller shows: the header wins, else the first `code` of the query. */
export function givenKey({ headers, target }: Pick<IncomingCall, 'headers' | 'target'>): string | undefined {
  const header = headers['x-functions-key'];
  if (header !== undefined) return header;
  return target.rawQuery ? (new URLSearchParams(target.rawQuery).get('code') ?? undefined) : undefined;
}
