import type { ServerResponse } from 'node:http';
import type { RpcHttpData, RpcTypedData } from '../app/core_types.js';
import { cookieLine } from './cookies.js';

/** Ends a response with a status, `host.json`'s headers and, at most, a short text. */
export type Answer = (res: ServerResponse, status: number, text?: string, contentType?: string) => void;

/** Writes answers of the host and of functions. `customHeaders` are added to each where not already there. */
export function createResponder(customHeaders: Readonly<Record<string, string>>): {
  answer: Answer;
  respond: (res: ServerResponse, http: RpcHttpData) => void;
} {
  const custom = Object.entries(customHeaders);
  const answer: Answer = (res, status, text = '', contentType = 'text/plain; charset=utf-8') => {
    if (res.headersSent || res.destroyed) return;
    for (const name of res.getHeaderNames()) if (name !== 'connection') res.removeHeader(name);
    for (const [name, value] of custom) res.setHeader(name, value);
    if (text) res.setHeader('content-type', contentType);
    const bytes = Buffer.from(text);
    if (status !== 204) res.setHeader('content-length', bytes.length);
    res.statusCode = status;
    res.end(bytes);
  };
  const respond = (res: ServerResponse, http: RpcHttpData) => {
    const status = Number(http.statusCode ?? 200);
    const body = bodyBytes(http.body);
    setHeaders(res, http, custom);
    if (status === 204 || status === 205 || status === 304) res.removeHeader('content-length');
    else settleLength(res, body);
    // writeHead before end keeps Node from adding a Content-Length: the host sends function bodies chunked.
    res.writeHead(status);
    res.end(body);
  };
  return { answer, respond };
}

function setHeaders(
  res: ServerResponse,
  http: RpcHttpData,
  custom: readonly (readonly [string, string])[],
): void {
  for (const [name, value] of Object.entries(http.headers ?? {})) {
    // Framing is the server's; the others describe the connection, which is not the function's.
    if (name !== 'transfer-encoding' && name !== 'connection' && name !== 'keep-alive')
      res.setHeader(name, value);
  }
  const cookies = http.cookies ?? [];
  if (cookies.length > 0) {
    const before = res.getHeader('set-cookie');
    res.setHeader('set-cookie', [
      ...(before === undefined ? [] : [String(before)]),
      ...cookies.map(cookieLine),
    ]);
  }
  for (const [name, value] of custom) if (!res.hasHeader(name)) res.setHeader(name, value);
}

function settleLength(res: ServerResponse, body: Uint8Array | undefined): void {
  const length = body?.byteLength ?? 0;
  const declared = res.getHeader('content-length');
  if (declared === undefined) {
    if (length === 0) res.setHeader('content-length', 0);
    return;
  }
  if (Number(declared) !== length && res.req.method !== 'HEAD') {
    throw new Error(`the function's Content-Length is ${String(declared)} but its body has ${length} bytes`);
  }
}

function bodyBytes(body: RpcTypedData | null | undefined): Uint8Array | undefined {
  if (!body) return undefined;
  if (body.bytes) return body.bytes;
  const text = body.string ?? body.json;
  return text === undefined ? undefined : Buffer.from(text);
}
