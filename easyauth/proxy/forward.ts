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

/** An answer up to this long that arrives whole is sent with its head in one piece. */
const wholeBytes = 16_384;

/**
 * Writes an answer to the client. What arrives in one go (head, one chunk, end) leaves in one write: for short answers that is a
 * fifth of the whole cost of a request. Everything else streams.
 */
function createWriter(response: ServerResponse) {
  let held: Buffer | undefined;
  let waiting = false;
  const release = () => {
    if (!waiting) return;
    waiting = false;
    if (held !== undefined) response.write(held);
    // A stream's first event may be a long time coming: its headers must not wait for it.
    else if (!response.writableEnded) response.flushHeaders();
  };
  return {
    head: (status: number, text: string, headers: string[]) => {
      response.writeHead(status, text, headers);
      waiting = true;
      queueMicrotask(release);
    },
    data: (chunk: Buffer): boolean => {
      if (waiting && held === undefined && chunk.length <= wholeBytes) {
        held = chunk;
        return true;
      }
      release();
      return response.write(chunk);
    },
    end: () => {
      if (waiting && held !== undefined) {
        waiting = false;
        // As text of one encoding with the head, and without waiting for `end`, whose empty write would make two of it.
        response.write(held.toString('latin1'), 'latin1');
        response.socket?.uncork();
      }
      waiting = false;
      response.end();
    },
  };
}

/** The app's answer, streamed to the client with back-pressure; either side going away ends the other. */
function createHandler(exchange: Exchange, retry: (() => void) | undefined): Dispatcher.DispatchHandler {
  const { response, fail } = exchange;
  const writer = createWriter(response);
  let abort: (reason?: Error) => void = () => {};
  let started = false;
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
      writer.head(status, statusText, responseHeaders(latin(raw)));
      return true;
    },
    onData: writer.data,
    onComplete: writer.end,
    onError: (error) => {
      if (response.destroyed) return;
      if (started) response.destroy();
      else if (retry !== undefined && isStaleConnection(error)) retry();
      else fail(upstreamReply(error));
    },
  };
}

const repeatable = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Opens a pool of kept-alive connections to the app.
 * @param patienceMs how long the app may take for the first byte of its answer
 */
export function createForwarder(upstream: URL, patienceMs = firstByteMs): Forwarder {
  const pool = new Pool(upstream.origin, {
    headersTimeout: patienceMs,
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
