import type { RequestListener } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { startGateway } from '../../easyauth/gateway.js';
import { createForwarder } from '../../easyauth/proxy/forward.js';
import { createBrowser } from './support/browser.js';
import { type Listening, listen } from './support/http_server.js';
import { clientSecret } from './support/scripted_provider.js';
import { ordinaryConfig } from './support/stack.js';

const close: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of close.splice(0).reverse()) await end();
});

/** An app behind the forwarder alone. */
async function behind(
  handler: RequestListener,
  patienceMs?: number,
): Promise<{ url: string; app: Listening }> {
  const app = await listen(handler);
  const forwarder = createForwarder(new URL(app.url), patienceMs);
  const front = await listen((request, response) =>
    forwarder.send({
      request,
      response,
      path: request.url ?? '/',
      headers: ['host', 'app.test', ...(request.method === 'POST' ? ['content-length', '4'] : [])],
      beforeBody: () => {},
      fail: ({ status, body }) => response.writeHead(status).end(body),
    }),
  );
  close.push(app.close, () => forwarder.close(), front.close);
  return { url: front.url, app };
}

describe('§1 the connection to the app [I]', () => {
  it('an app that does not answer in time is a 504', async () => {
    const { url } = await behind(() => {}, 300);
    const answer = await createBrowser().ask(url);
    expect([answer.status, answer.text]).toEqual([504, 'The app did not answer in time.\n']);
  });

  it('is kept alive: fifty requests one after the other need one connection', async () => {
    const { url, app } = await behind((_request, response) => response.end('ok'));
    let connections = 0;
    app.server.on('connection', () => {
      connections += 1;
    });
    const browser = createBrowser();
    for (let count = 0; count < 50; count += 1) expect((await browser.ask(url)).status).toBe(200);
    expect(connections).toBe(1);
  });

  it('that the app closes just as it is used again costs no GET; a POST, which may have been done, is a 502', async () => {
    let count = 0;
    const { url } = await behind((request, response) => {
      count += 1;
      if (count % 2 === 0) return request.socket.destroy();
      request.resume().on('end', () => response.end('ok'));
    });
    const browser = createBrowser();
    expect((await browser.ask(url)).status).toBe(200);
    expect((await browser.ask(url)).status).toBe(200);
    expect((await browser.ask(url, { method: 'POST', body: 'body' })).status).toBe(502);
    expect(count).toBe(4);
  });

  it('answers without a body, and to HEAD, pass as they are', async () => {
    const { url } = await behind((request, response) => {
      response.writeHead(
        request.url === '/304' ? 304 : 200,
        request.method === 'HEAD' ? { 'content-length': '5' } : {},
      );
      response.end();
    });
    expect((await createBrowser().ask(`${url}/304`)).status).toBe(304);
    const head = await createBrowser().ask(url, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.text]).toEqual([200, '5', '']);
  });
});

describe('§1 the address of the app [I]', () => {
  it('must be http or https without a path; whatever it is, nothing of it is repeated', async () => {
    const config = ordinaryConfig('http://localhost:9/tid/v2.0');
    for (const upstream of [
      'localhost:7071',
      'ftp://canary.test',
      'http://canary.test/app',
      'http://canary.test/?x',
    ])
      await expect(
        startGateway({
          config,
          upstream,
          port: 0,
          stateDir: '/nonexistent',
          env: { AAD_SECRET: clientSecret },
          log: () => {},
        }),
      ).rejects.toThrow(/^(?!.*canary)[\s\S]*upstream: must be an http or https address/);
  });
});
