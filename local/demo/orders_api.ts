import { createServer } from 'node:http';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { ORDERS } from './tenant.js';

export interface OrdersApi {
  readonly url: string;
  close(): Promise<void>;
}

/** An API that trusts the broker: all it needs is the broker's address. It takes RFC 9068 tokens for itself and looks at their scope. */
export async function startOrdersApi(brokerIssuer: string): Promise<OrdersApi> {
  const keys = createRemoteJWKSet(new URL(`${brokerIssuer}/jwks`));
  const needed: Readonly<Record<string, string>> = { GET: 'orders.read', POST: 'orders.write' };
  const server = createServer(async (request, response) => {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const options = { issuer: brokerIssuer, audience: ORDERS, typ: 'at+jwt', algorithms: ['ES256'] };
    const claims = await jwtVerify(token, keys, options).then(
      ({ payload }): JWTPayload | undefined => payload,
      () => undefined,
    );
    const scope = String(claims?.scope ?? '').split(' ');
    const allowed = scope.includes(needed[request.method ?? ''] ?? 'none');
    const status = claims === undefined ? 401 : allowed ? 200 : 403;
    const orders = [{ order: 1001, total: '42.00' }];
    const body =
      status === 200 ? { orders, for: claims?.sub, asked_by: claims?.client_id } : { error: status };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://localhost:${port}/orders`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
