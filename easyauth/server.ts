import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http';
import type { Duplex } from 'node:stream';
import type { Settings } from './config/settings.js';
import { messageOf, substatus } from './errors.js';
import type { Gate } from './gate/gate.js';
import { forPeople } from './http/error_page.js';
import { type Forwarding, forwardHeaders } from './http/forward_headers.js';
import { type Incoming, readIncoming } from './http/incoming.js';
import { emptyReply, type Reply, textReply } from './http/reply.js';
import type { Log } from './log.js';
import type { Forwarder } from './proxy/forward.js';
import { forwardUpgrade } from './proxy/upgrade.js';
import { storeReply } from './store/store_reply.js';

const largestHead = 65_536;
const lingerMs = 1_000;

export interface ServerDeps {
  readonly settings: Settings;
  readonly gate: Gate;
  readonly forwarder: Forwarder;
  readonly upstream: URL;
  readonly gatewaySecret: string | undefined;
  readonly log: Log;
}

function logReply(log: Log, request: IncomingMessage, reply: Reply): void {
  const status = reply.substatus === undefined ? String(reply.status) : `${reply.status}.${reply.substatus}`;
  const level = reply.status >= 500 ? 'error' : reply.status >= 400 ? 'info' : 'trace';
  const path = (request.url ?? '').split('?')[0];
  log(level, 'answered', { status, method: request.method, path, reason: reply.reason });
}

/** Writes an answer of ours. A body nobody reads ends the connection: draining it would let anybody keep us busy. */
function writeReply(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const body = Buffer.from(reply.body, 'utf8');
  const headers = [...reply.headers, 'Content-Length', String(body.length)];
  if (!request.complete && request.headers['content-length'] !== '0') {
    const expected = request.headers['content-length'] ?? request.headers['transfer-encoding'];
    if (expected !== undefined) headers.push('Connection', 'close');
  }
  response.writeHead(reply.status, headers);
  response.end(request.method === 'HEAD' ? undefined : body);
}

function writeRaw(socket: Duplex, reply: Reply): void {
  if (socket.destroyed) return;
  const body = Buffer.from(reply.body, 'utf8');
  const raw = [...reply.headers, 'Content-Length', String(body.length), 'Connection', 'close'];
  let head = `HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}\r\n`;
  for (let index = 0; index < raw.length; index += 2) head += `${raw[index]}: ${raw[index + 1]}\r\n`;
  socket.end(Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body]));
  // What the client still sends is thrown away for a moment: closing on unread input would cut our answer off.
  socket.resume();
  setTimeout(() => socket.destroy(), lingerMs).unref();
}

/**
 * A server may ignore an upgrade it does not know (RFC 9110 §7.8), and clients that offer `h2c` count on it. Node has already let go
 * of the connection, so it is handed back with the same request less the offer.
 */
function serveWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  { socket, head }: { socket: Duplex; head: Buffer },
): void {
  let text = `${request.method} ${request.url} HTTP/1.1\r\n`;
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index] ?? '';
    if (!/^(?:upgrade|connection|http2-settings)$/i.test(name))
      text += `${name}: ${request.rawHeaders[index + 1]}\r\n`;
  }
  socket.unshift(Buffer.concat([Buffer.from(`${text}\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

function isReply(value: Incoming | Reply): value is Reply {
  return 'status' in value;
}

/** The HTTP front: every request is judged by the gate, then answered or passed on. */
export function createGatewayServer(deps: ServerDeps): Server {
  const { settings, gate, forwarder, upstream, log } = deps;

  const forwarding = (incoming: Incoming, inject: readonly string[]): Forwarding => ({
    site: incoming.site,
    remoteAddress: incoming.request.socket.remoteAddress,
    trustedProxy: settings.proxy.trusted,
    inject,
    gatewaySecret: deps.gatewaySecret,
  });

  const judge = async (request: IncomingMessage, upgrade: boolean) => {
    try {
      const incoming = readIncoming(request, settings, upgrade);
      if (isReply(incoming)) return { reply: incoming };
      const decision = await gate(incoming);
      if (decision.reply !== undefined) return { reply: decision.reply };
      const headers = forwardHeaders(request.rawHeaders, forwarding(incoming, decision.inject));
      log('trace', 'passed to the app', {
        method: request.method,
        path: incoming.target.path,
        as: decision.as,
      });
      return { path: incoming.target.raw, headers };
    } catch (error) {
      const reply = storeReply(error);
      if (reply !== undefined) return { reply };
      log('error', 'a request failed inside the gateway', { reason: messageOf(error) });
      return { reply: emptyReply(500, { substatus: substatus.internalModuleFailure }) };
    }
  };

  const serve = async (request: IncomingMessage, response: ServerResponse, beforeBody: () => void) => {
    const fail = (reply: Reply) => {
      logReply(log, request, reply);
      writeReply(request, response, forPeople(request, reply));
    };
    const verdict = await judge(request, false);
    if (verdict.reply !== undefined) fail(verdict.reply);
    else
      forwarder.send({ request, response, path: verdict.path, headers: verdict.headers, beforeBody, fail });
  };

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    const fail = (reply: Reply) => {
      logReply(log, request, reply);
      writeRaw(socket, reply);
    };
    const verdict = await judge(request, true);
    if (verdict.reply !== undefined) return fail(verdict.reply);
    forwardUpgrade(upstream, { socket, head, path: verdict.path, headers: verdict.headers, fail });
  };

  const isWebSocket = ({ method, headers }: IncomingMessage) =>
    method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket';
  const server = createServer({ maxHeaderSize: largestHead, requestTimeout: 0, keepAliveTimeout: 65_000 });
  server.on('request', (request, response) => void serve(request, response, () => {}));
  server.on(
    'checkContinue',
    (request, response) => void serve(request, response, () => response.writeContinue()),
  );
  server.on('upgrade', (request, socket, head) => {
    if (isWebSocket(request)) void upgrade(request, socket, head);
    else serveWithoutUpgrade(server, request, { socket, head });
  });
  server.on('clientError', (error, socket) => {
    const tooLarge = 'code' in error && error.code === 'HPE_HEADER_OVERFLOW';
    const text = tooLarge ? 'The request headers are larger than 64 kB.' : 'Bad request.';
    writeRaw(socket, textReply(tooLarge ? 431 : 400, text));
  });
  return server;
}
