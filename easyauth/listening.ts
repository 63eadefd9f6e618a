import type { Server } from 'node:http';
import { ConfigError } from './errors.js';

const drainMs = 10_000;

/** Listens on 127.0.0.1 and gives the port. @throws ConfigError when the port is taken */
export function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      const taken = 'code' in error && error.code === 'EADDRINUSE';
      reject(taken ? new ConfigError([`port ${port} is taken; choose another with EASYAUTH_PORT`]) : error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

/** Sockets handed over to a WebSocket no longer belong to the server's connections, so they are remembered here. */
export function trackUpgrades(server: Server): ReadonlySet<{ destroy(): void }> {
  const sockets = new Set<{ destroy(): void }>();
  server.on('upgrade', (_request, socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

/** Stops accepting and lets running requests end, 10 s at most. */
export async function drain(server: Server, upgraded: ReadonlySet<{ destroy(): void }>): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  for (const socket of upgraded) socket.destroy();
  // A kept-alive connection becomes idle when its running request ends, and nobody else closes it then.
  const sweep = setInterval(() => server.closeIdleConnections(), 20);
  const timer = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(timer);
}
