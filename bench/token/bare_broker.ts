import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { HttpRequest, InvocationContext } from '@azure/functions';
import { createMemoryBroker } from './memory_broker.js';

/** `POST /token` on Node's own server: the same handler without the Functions library around it. */
const broker = await createMemoryBroker(process.env);

const server = createServer((req, res) => {
  readBody(req)
    .then(async (body) => {
      const answer = await broker.http.token(requestOf(req, body), contextOf());
      const text = JSON.stringify('jsonBody' in answer ? answer.jsonBody : null);
      res.writeHead(answer.status ?? 200, {
        ...Object.fromEntries(Object.entries(answer.headers ?? {})),
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(text),
      });
      res.end(text);
    })
    .catch((error: unknown) => res.writeHead(500).end(String(error)));
});

function readBody(req: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    req.setEncoding('utf8');
    req.on('data', (chunk: string) => {
      text += chunk;
    });
    req.on('end', () => resolve(text));
    req.on('error', reject);
  });
}

/** The part of the library's request and context that the handler uses. */
function requestOf(req: IncomingMessage, body: string): HttpRequest {
  const headers = {
    get(name: string) {
      const value = req.headers[name.toLowerCase()];
      return typeof value === 'string' ? value : null;
    },
  };
  const request = { method: req.method, url: `http://localhost${req.url}`, headers, text: async () => body };
  return request as unknown as HttpRequest;
}

function contextOf(): InvocationContext {
  return { invocationId: randomUUID() } as InvocationContext;
}

server.listen(Number(process.env.PORT ?? 0), '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(
    `listening url=http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}\n`,
  );
});
