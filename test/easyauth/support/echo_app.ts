import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type Listening, listen } from './http_server.js';

/** What the app saw of a request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string[]>;
  readonly bytes: number;
  readonly sha256: string;
}

export interface EchoApp extends Listening {
  readonly seen: Seen[];
  /** Requests whose client went away before the answer was complete. */
  aborted: number;
  upgrades: IncomingMessage[];
}

function headersOf(request: IncomingMessage): Record<string, string[]> {
  const out: Record<string, string[]> = {};
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? '').toLowerCase();
    out[name] = [...(out[name] ?? []), request.rawHeaders[index + 1] ?? ''];
  }
  return out;
}

async function record(request: IncomingMessage): Promise<Seen> {
  const digest = createHash('sha256');
  let bytes = 0;
  for await (const chunk of request) {
    const part: Buffer = chunk;
    bytes += part.length;
    digest.update(part);
  }
  const { method = '', url = '' } = request;
  return { method, url, headers: headersOf(request), bytes, sha256: digest.digest('hex') };
}

type Special = (request: IncomingMessage, response: ServerResponse) => void;

const special: Record<string, Special> = {
  '/public/sse': (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    let count = 0;
    const timer = setInterval(() => {
      count += 1;
      response.write(`data: ${count}\n\n`);
    }, 20);
    response.on('close', () => clearInterval(timer));
  },
  '/public/large': (_request, response) => {
    response.writeHead(200, { 'content-length': String(8_000_000) });
    response.end(Buffer.alloc(8_000_000, 7));
  },
  '/public/early': (_request, response) => {
    response.writeHead(413, { 'content-type': 'text/plain' });
    response.end('too large');
  },
  '/public/drop': (request) => request.socket.destroy(),
  '/public/half': (request, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('half');
    setTimeout(() => request.socket.destroy(), 20);
  },
  '/public/cookies': (_request, response) => {
    response.writeHead(200, [
      'Set-Cookie',
      'a=1',
      'Set-Cookie',
      'b=2',
      'Connection',
      'x-hop',
      'X-Hop',
      'gone',
      'X-Stay',
      'here',
    ]);
    response.end();
  },
};

/** An app that tells what reached it. Paths under /public/ have their own manners. */
export async function startEchoApp(): Promise<EchoApp> {
  const seen: Seen[] = [];
  const listening = await listen(async (request, response) => {
    response.on('close', () => {
      if (!response.writableFinished) app.aborted += 1;
    });
    const manner = special[(request.url ?? '').split('?')[0] ?? ''];
    if (manner !== undefined) return manner(request, response);
    try {
      const entry = await record(request);
      seen.push(entry);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(entry));
    } catch {
      app.aborted += 1;
    }
  });
  const app: EchoApp = { ...listening, seen, aborted: 0, upgrades: [] };
  listening.server.on('upgrade', (request, socket) => {
    app.upgrades.push(request);
    if (request.url?.startsWith('/public/no-ws') === true) {
      socket.resume().end('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno');
      return;
    }
    socket.on('error', () => socket.destroy());
    socket.on('end', () => socket.end());
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    socket.on('data', (chunk: Buffer) => socket.write(`echo:${chunk}`));
  });
  return app;
}
