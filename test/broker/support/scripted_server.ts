import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export type Script = (request: IncomingMessage, response: ServerResponse, body: string) => void;

/** A real HTTP server whose next answer the test decides. */
export interface ScriptedServer {
  readonly origin: string;
  /** Bodies of the requests to `/token`, in order. */
  readonly bodies: string[];
  /** Paths of all requests, in order. */
  readonly paths: string[];
  answer(script: Script): void;
  close(): Promise<void>;
}

export async function startScripted(): Promise<ScriptedServer> {
  let current: Script = (_, response) => response.writeHead(500).end();
  const bodies: string[] = [];
  const paths: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    paths.push(request.url ?? '');
    if (request.url === '/token') bodies.push(body);
    current(request, response, body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    bodies,
    paths,
    answer: (script) => {
      current = script;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Answers with JSON. */
export function replies(status: number, body: unknown, headers: Record<string, string> = {}): Script {
  return (_, response) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...headers })
      .end(JSON.stringify(body));
}
