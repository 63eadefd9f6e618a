import { connect, createServer, type Socket } from 'node:net';

/** A line to a server on this machine that can be cut and mended. */
export interface Link {
  readonly port: number;
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

export async function openLink(targetPort: number): Promise<Link> {
  let up = true;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    if (!up) return void near.destroy();
    const far = connect(targetPort, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  const hangUp = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    cut() {
      up = false;
      hangUp();
    },
    mend() {
      up = true;
    },
    close() {
      hangUp();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
