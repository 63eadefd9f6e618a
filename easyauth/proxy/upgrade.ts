import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { responseHeaders } from '../http/forward_headers.js';
import type { Reply } from '../http/reply.js';
import { upstreamReply } from './upstream_error.js';

export interface UpgradeExchange {
  readonly socket: Duplex;
  /** What the client sent after its request. */
  readonly head: Buffer;
  readonly path: string;
  readonly headers: string[];
  readonly fail: (reply: Reply) => void;
}

const halfOpenMs = 1_000;

function headText(status: string, raw: readonly string[]): string {
  let text = `HTTP/1.1 ${status}\r\n`;
  for (let index = 0; index < raw.length; index += 2) text += `${raw[index]}: ${raw[index + 1]}\r\n`;
  return `${text}\r\n`;
}

function join(client: Duplex, app: Duplex): void {
  const end = () => {
    client.destroy();
    app.destroy();
  };
  for (const side of [client, app]) {
    side.on('error', end);
    side.on('close', end);
    // A WebSocket has no use for a connection that is closed in one direction; what is under way may still arrive.
    side.on('end', () => setTimeout(end, halfOpenMs).unref());
  }
  client.pipe(app).pipe(client);
}

/** The app refuses the upgrade: its plain answer goes to the client, then the connection ends. */
function relayRefusal(socket: Duplex, answer: IncomingMessage): void {
  const status = `${answer.statusCode} ${answer.statusMessage}`;
  socket.write(headText(status, [...responseHeaders(answer.rawHeaders), 'Connection', 'close']), 'latin1');
  answer.pipe(socket);
}

/** Passes a WebSocket upgrade to the app and joins both connections once it agrees. */
export function forwardUpgrade(upstream: URL, exchange: UpgradeExchange): void {
  const { socket, head, path, fail } = exchange;
  const send = upstream.protocol === 'https:' ? httpsRequest : httpRequest;
  const headers = [...exchange.headers, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
  const outgoing = send({
    hostname: upstream.hostname.replace(/^\[|\]$/g, ''),
    port: upstream.port,
    path,
    method: 'GET',
    headers,
    agent: false,
    timeout: 30_000,
  });
  outgoing.on('upgrade', (answer, app, rest) => {
    app.setTimeout(0);
    const agreed = [...responseHeaders(answer.rawHeaders), 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
    socket.write(headText('101 Switching Protocols', agreed), 'latin1');
    if (rest.length > 0) socket.write(rest);
    if (head.length > 0) app.write(head);
    join(socket, app);
  });
  outgoing.on('response', (answer) => {
    answer.once('close', () => outgoing.destroy());
    relayRefusal(socket, answer);
  });
  outgoing.on('timeout', () =>
    outgoing.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })),
  );
  outgoing.on('error', (error) => fail(upstreamReply(error)));
  socket.on('error', () => outgoing.destroy());
  socket.on('close', () => outgoing.destroy());
  outgoing.end();
}
