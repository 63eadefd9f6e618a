import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorText } from '../errors.js';
import { type AdminDeps, serveAdmin } from './admin.js';
import {
  type FunctionRequestDeps,
  type HttpFunction,
  type IncomingCall,
  serveFunction,
} from './function_request.js';
import { type HeaderReader, readOrigin } from './headers.js';
import { readTarget } from './request_target.js';
import type { Router } from './router.js';

export interface HandlerDeps extends FunctionRequestDeps {
  readHeaders: HeaderReader;
  route: Router<HttpFunction>;
  admin: AdminDeps;
  /** `AzureWebJobsDisableHomepage`. */
  homepageOff: boolean;
  /** Whether requests are served; otherwise 503. */
  isRunning: () => boolean;
}

const requestLineLimit = 8 * 1024;

const homepage = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Azure Functions, local host</title></head>
<body><h1>Your Functions app is up and running</h1></body></html>
`;

/** Serves one HTTP request from its first check to its last byte. */
export function createHandler(deps: HandlerDeps): (req: IncomingMessage, res: ServerResponse) => void {
  return (req, res) => {
    handle(deps, req, res).catch((error: unknown) => {
      deps.log.write('error', 'Host.Http', `a request failed: ${errorText(error)}`);
      deps.responder.answer(res, 500);
    });
  };
}

async function handle(deps: HandlerDeps, req: IncomingMessage, res: ServerResponse): Promise<void> {
  const { answer } = deps.responder;
  const call = readCall(deps, req, res);
  if (typeof call === 'number') {
    res.setHeader('connection', 'close');
    return answer(res, call);
  }
  if (!deps.isRunning()) {
    res.setHeader('connection', 'close');
    return answer(res, 503, 'Function host is not running.');
  }
  if (/^\/admin(?:\/|$)/i.test(call.target.path)) return serveAdmin(deps.admin, call);
  const match = deps.route(call.method, call.target.path);
  if (match) return serveFunction(deps, call, match);
  if (call.target.path !== '/') return answer(res, 404);
  if (deps.homepageOff) return answer(res, 204);
  answer(res, 200, homepage, 'text/html; charset=utf-8');
}

/** What the request line and headers say, or the status that refuses them. */
function readCall(deps: HandlerDeps, req: IncomingMessage, res: ServerResponse): IncomingCall | number {
  const method = req.method ?? 'GET';
  const url = req.url ?? '/';
  if (method.length + url.length + ' HTTP/1.1\r\n '.length > requestLineLimit) return 414;
  const read = deps.readHeaders(req.rawHeaders);
  if (read.tooLarge) return 431;
  const target = readTarget(url);
  const origin = readOrigin(read, `localhost:${req.socket.localPort ?? 80}`);
  if (!origin || (!target && url !== '*')) return 400;
  if (!target) return 404;
  return { req, res, method, headers: read.headers, origin, target };
}
