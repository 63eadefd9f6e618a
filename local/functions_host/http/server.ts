import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorCode, HostStartError } from '../errors.js';

export interface HttpServer {
  /** The port it listens on, also when 0 was asked for. */
  port: number;
  /** No new connections; resolves when the open ones have had their answers. */
  close(): Promise<void>;
}

/**
 * Listens on 127.0.0.1. The socket takes 96 KiB of request line and headers, so that the limits of headers.ts are
 * judged by their own count and not by Node's 16 KiB. Throws `HostStartError` when the port is taken.
 */
export async function listen(
  port: number,
  handler: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<HttpServer> {
  const server = createServer({ maxHeaderSize: 96 * 1024, keepAliveTimeout: 130_000 }, handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new HostStartError([listenProblem(port, error)])));
    server.listen(port, '127.0.0.1', resolve);
  });
  return { port: portOf(server), close: () => close(server) };
}

function listenProblem(port: number, error: Error): string {
  if (errorCode(error) === 'EADDRINUSE') {
    return `port ${port} is already in use: stop what holds it, or set FUNCTIONS_PORT (or --port)`;
  }
  return `cannot listen on port ${port} (FUNCTIONS_PORT): ${errorCode(error)}`;
}

function portOf(server: Server): number {
  const address: AddressInfo | string | null = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    // Connections whose last answer is still to come turn idle later, and Node does not close those by itself.
    const sweep = setInterval(() => server.closeIdleConnections(), 50);
    server.close(() => {
      clearInterval(sweep);
      resolve();
    });
  });
}
