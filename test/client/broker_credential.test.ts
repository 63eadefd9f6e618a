import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { BrokerRefusal, createBrokerCredential } from '../../client/broker_credential.js';
import { readScopes } from '../../client/scopes.js';

const ORDERS = 'api://orders';
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((done) => server.close(done));
});

type Reply = (
  form: URLSearchParams,
  request: IncomingMessage,
) => { status?: number; headers?: Record<string, string>; body: unknown };

async function broker(reply: Reply): Promise<string> {
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    let text = '';
    for await (const chunk of request) text += chunk;
    const { status = 200, headers = {}, body } = reply(new URLSearchParams(text), request);
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers });
    response.end(JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/token`;
}

function credential(tokenUrl: string, now?: () => number) {
  return createBrokerCredential({
    tokenUrl,
    grantIds: { [ORDERS]: 'the-grant' },
    client: { clientId: 'nightly report', clientSecret: 'a:b+c' },
    ...(now ? { now } : {}),
  });
}

describe('scopes are read as Azure SDKs write them', () => {
  it.each([
    ['api://orders/.default', { resource: ORDERS }],
    [
      ['api://orders/orders.write', 'api://orders/orders.read'],
      { resource: ORDERS, scope: 'orders.read orders.write' },
    ],
    [
      'https://graph.microsoft.test/Mail.Read',
      { resource: 'https://graph.microsoft.test', scope: 'Mail.Read' },
    ],
  ])('%j', (scopes, asked) => {
    expect(readScopes(scopes)).toEqual(asked);
  });

  it.each([
    [''],
    ['orders.read'],
    ['api://orders/'],
    [['api://orders/a', 'api://other/b']],
    [['api://orders/.default', 'api://orders/a']],
  ])('refuses %j', (scopes) => {
    expect(() => readScopes(scopes)).toThrow(TypeError);
  });
});

describe('the credential', () => {
  it('asks with form-encoded Basic authentication, the grant and the resource', async () => {
    let seen: { form?: URLSearchParams; authorization?: string } = {};
    const url = await broker((form, request) => {
      seen = { form, authorization: request.headers.authorization ?? '' };
      return { body: { access_token: 'one', expires_in: 600 } };
    });
    const token = await credential(url).getToken('api://orders/orders.read');
    expect(token?.token).toBe('one');
    expect(Object.fromEntries(seen.form ?? [])).toEqual({
      grant_type: 'refresh_token',
      refresh_token: 'the-grant',
      resource: ORDERS,
      scope: 'orders.read',
    });
    const pair = Buffer.from((seen.authorization ?? '').slice(6), 'base64').toString();
    expect(pair).toBe('nightly%20report:a%3Ab%2Bc');
  });

  it('keeps a token until little is left, and callers at once share one request', async () => {
    let asked = 0;
    let now = 1_000_000;
    const url = await broker(() => {
      asked += 1;
      return { body: { access_token: `token ${asked}`, expires_in: 600 } };
    });
    const { getToken } = credential(url, () => now);
    await Promise.all(Array.from({ length: 20 }, () => getToken('api://orders/.default')));
    now += 479_000;
    expect((await getToken('api://orders/.default'))?.token).toBe('token 1');
    now += 2000;
    expect((await getToken('api://orders/.default'))?.token).toBe('token 2');
    expect(asked).toBe(2);
  });

  it('asks a busy broker again after Retry-After', async () => {
    let asked = 0;
    const url = await broker(() => {
      asked += 1;
      if (asked === 1)
        return { status: 503, headers: { 'retry-after': '0' }, body: { error: 'temporarily_unavailable' } };
      return { body: { access_token: 'after', expires_in: 600 } };
    });
    expect((await credential(url).getToken('api://orders/.default'))?.token).toBe('after');
  });

  it('passes a refusal on by its OAuth code, at once, and never keeps it', async () => {
    let asked = 0;
    const url = await broker(() => {
      asked += 1;
      return { status: 400, body: { error: 'invalid_grant', error_description: 'gone' } };
    });
    const { getToken } = credential(url);
    for (let attempt = 0; attempt < 2; attempt++) {
      const refusal = await getToken('api://orders/.default')?.catch((error: unknown) => error);
      expect(refusal).toBeInstanceOf(BrokerRefusal);
      expect(refusal).toMatchObject({ code: 'invalid_grant', status: 400 });
    }
    expect(asked).toBe(2);
  });

  it('hands a claims challenge of the resource on, and the token turned down is served to nobody any more', async () => {
    const seen: (string | null)[] = [];
    const url = await broker((form) => {
      seen.push(form.get('claims'));
      return { body: { access_token: `token ${seen.length}`, expires_in: 600 } };
    });
    const { getToken } = credential(url);
    const scope = 'api://orders/.default';
    const claims = '{"access_token":{"nbf":{"essential":true,"value":"1"}}}';
    expect((await getToken(scope))?.token).toBe('token 1');
    const challenged = await Promise.all([1, 2, 3].map(() => getToken(scope, { claims })));
    expect(challenged.map((token) => token?.token)).toEqual(['token 2', 'token 2', 'token 2']);
    expect((await getToken(scope))?.token).toBe('token 2');
    expect(seen).toEqual([null, claims]);
  });

  it('says what the sign-in has to meet where the identity provider asks for more of the user', async () => {
    const claims = '{"access_token":{"acrs":{"value":"c1"}}}';
    const url = await broker(() => ({ status: 400, body: { error: 'interaction_required', claims } }));
    const refusal = await credential(url)
      .getToken('api://orders/.default')
      ?.catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code: 'interaction_required', claims });
  });

  it('a resource without a grant is the caller’s mistake and no request', async () => {
    const { getToken } = credential('http://127.0.0.1:1/token');
    await expect(getToken('api://other/.default')).rejects.toThrow('no grant');
  });
});
