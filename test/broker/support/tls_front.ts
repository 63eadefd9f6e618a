import { request } from 'node:http';
import { createServer } from 'node:https';
import { selfSigned } from '../../easyauth/support/self_signed.js';

/** A server that speaks TLS under a self-signed certificate and hands everything on to a port of this machine. */
export interface TlsFront {
  readonly url: string;
  leadTo(port: number): void;
  close(): Promise<void>;
}

export async function startTlsFront(): Promise<TlsFront> {
  const { pem } = selfSigned({ name: 'localhost', dns: 'localhost' });
  let target = 0;
  const server = createServer({ key: pem, cert: pem }, (incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const onward = request({ host: '127.0.0.1', port: target, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return {
    url: `https://localhost:${address.port}`,
    leadTo: (port) => {
      target = port;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
