import type { IncomingMessage, ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { type Dispatcher, Pool } from 'undici';
import { responseHeaders } from '../http/forward_headers.js';
import type { Reply } from '../http/reply.js';
import { isStaleConnection, upstreamReply } from './upstream_error.js';

/** App Service's own front end gives an app this long for its first byte. */
const firstByteMs = 230_000;

/** A request on its way to the app. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly path: string;
  /** The complete headers for the app, as a raw array. */
  readonly headers: string[];
  /** Called right before the body is first read, when the client waits for a `100 Continue`. */
  readonly beforeBody: () => void;
  /** Writes an answer of ours when the app gives none. */
  readonly fail: (reply: Reply) => void;
}

export interface Forwarder {
  send(exchange: Exchange): void;
  close(): Promise<void>;
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/**
 * The body for undici. Not the request itself: undici destroys a body it no longer needs, and destroying the request would cut the
 * connection before the app's early answer (a 413, say) is through.
 */
function bodyOf({ request, beforeBody }: Exchange): PassThrough | null {
  if (!hasBody(request)) return null;
  beforeBody();
  const body = new PassThrough();
  request.pipe(body);
  request.once('close', () => {
    if (!request.complete) body.destroy(new Error('the client went away'));
  });
  // What the app did not want is read and dropped, or the next request on this connection would wait behind it for ever.
  body.once('close', () => request.unpipe(body).resume());
  return body;
}

function latin(raw: readonly Buffer[]): string[] {
  return raw.map((part) => part.toString('latin1'));
}

/** The app's answer, streamed to the client with back-pressure; either side going away ends the other. */
function createHandler(exchange: Exchange, retry: (() => void) | undefined): Dispatcher.DispatchHandler {
  const { response, fail } = exchange;
  let abort: (reason?: Error) => void = () => {};
  let started = false;
  let wrote = false;
  response.once('close', () => {
    if (!response.writableFinished) abort(new Error('the client went away'));
  });
  return {
    onConnect: (cancel) => {
      abort = cancel;
      if (response.destroyed) cancel(new Error('the client went away'));
    },
    onHeaders: (status, raw, resume, statusText) => {
      if (status < 200) return true;
      started = true;
      response.on('drain', resume);
      response.writeHead(status, statusText, responseHeaders(latin(raw)));
      // A stream's first event may be a long time coming: its headers must not wait for it.
      setImmediate(() => {
        if (!wrote && !response.writableEnded) response.flushHeaders();
      });
      return true;
    },
    onData: (chunk) => {
      wrote = true;
      return response.write(chunk);
    },
    onComplete: () => {
      response.end();
    },
    onError: (error) => {
      if (response.destroyed) return;
      if (started) response.destroy();
      else if (retry !== undefined && isStaleConnection(error)) retry();
      else fail(upstreamReply(error));
    },
  };
}

const repeatable = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Opens a pool of kept-alive connections to the app. */
export function createForwarder(upstream: URL): Forwarder {
  const pool = new Pool(upstream.origin, {
    headersTimeout: firstByteMs,
    bodyTimeout: 0,
    connect: { timeout: 10_000 },
    maxHeaderSize: 131_072,
    pipelining: 1,
  });
  const dispatch = (exchange: Exchange, body: PassThrough | null, retry: (() => void) | undefined): void => {
    const { request, path, headers } = exchange;
    const method = request.method ?? 'GET';
    try {
      // Methods are whatever Node's parser let through; undici's type lists only the common ones.
      pool.dispatch(
        { path, method: method as Dispatcher.HttpMethod, headers, body },
        createHandler(exchange, retry),
      );
    } catch (error) {
      exchange.fail(upstreamReply(error));
    }
  };
  return {
    send: (exchange) => {
      const body = bodyOf(exchange);
      const again = body === null && repeatable.has(exchange.request.method ?? 'GET');
      dispatch(exchange, body, again ? () => dispatch(exchange, null, undefined) : undefined);
    },
    close: () => pool.destroy(),
  };
}
