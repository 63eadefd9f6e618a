import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeSettings } from '../../easyauth/config/describe.js';
import { readSettings } from '../../easyauth/config/read.js';
import { type BlobServer, startBlobs } from './support/blobs.js';
import { createBrowser } from './support/browser.js';
import { hours } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { type Listening, listen } from './support/http_server.js';
import { ordinaryConfig, type Stack, startStack } from './support/stack.js';

const header = 'canary-identity-header';
const resourceId =
  '/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i';
const storage = 'login.tokenStore.azureBlobStorage';

let blobs: BlobServer;
let identity: Listening;
let service: Listening;
let stack: Stack;
/** What the identity endpoint was asked, and the one token the blob service accepts. */
const asked: URLSearchParams[] = [];
let good = '';
let identityDown = false;
let hasRole = true;

/** App Service's own endpoint for identities, as far as its REST reference says. */
const startIdentity = () =>
  listen((request, response) => {
    if (identityDown) return response.writeHead(503).end();
    if (request.headers['x-identity-header'] !== header) return response.writeHead(403).end();
    asked.push(new URL(request.url ?? '', 'http://x').searchParams);
    good = `canary-token-${asked.length}`;
    const expires_on = String(Math.floor(stack.clock.now() / 1000) + 24 * 3600);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ access_token: good, expires_on, token_type: 'Bearer' }));
  });

/** The real blob service behind a door that opens to the identity's token only. */
async function startService(container: string): Promise<Listening> {
  await blobs.container(container);
  const sas = new URL(await blobs.sasUrl(container));
  return listen((incoming, response) => {
    const { authorization, ...headers } = incoming.headers;
    if (authorization !== `Bearer ${good}`) return response.writeHead(401).end();
    if (!hasRole)
      return response.writeHead(403, { 'x-ms-error-code': 'AuthorizationPermissionMismatch' }).end();
    const url = new URL(incoming.url ?? '', blobs.url);
    for (const [name, value] of sas.searchParams) url.searchParams.set(name, value);
    const outgoing = httpRequest(url, { method: incoming.method ?? 'GET', headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    incoming.pipe(outgoing);
  });
}

const env = () => ({ IDENTITY_ENDPOINT: `${identity.url}/msi/token`, IDENTITY_HEADER: header });

beforeAll(async () => {
  blobs = await startBlobs();
  const container = randomUUID();
  [identity, service] = await Promise.all([startIdentity(), startService(container)]);
  const path = new URL(await blobs.sasUrl(container)).pathname;
  const config = {
    [`${storage}.blobContainerUri`]: `${service.url}${path}`,
    [`${storage}.managedIdentityResourceId`]: resourceId,
  };
  stack = await startStack({ config, env: env() });
});
afterAll(async () => {
  await stack.close();
  await Promise.all([service.close(), identity.close()]);
  await blobs.close();
});

describe('§8 §9 §13 tokens in a blob container by managed identity [O]', () => {
  const signedIn = async () => {
    const browser = createBrowser();
    await browser.signIn(`${stack.gateway.url}/.auth/login/aad`);
    return browser;
  };

  it('sign-in, headers, /.auth/me, refresh and sign-out work with one token of the identity', async () => {
    const browser = await signedIn();
    const { url } = stack.gateway;
    expect(
      (await browser.ask(`${url}/api`)).json<Seen>().headers['x-ms-token-aad-refresh-token'],
    ).toHaveLength(1);
    expect((await browser.ask(`${url}/.auth/refresh`)).status).toBe(200);
    expect((await browser.ask(`${url}/.auth/me`)).json<unknown[]>()).toHaveLength(1);
    expect((await browser.ask(`${url}/.auth/logout`)).status).toBe(302);
    expect(asked.map((query) => Object.fromEntries(query))).toEqual([
      { resource: 'https://storage.azure.com/', 'api-version': '2019-08-01', mi_res_id: resourceId },
    ]);
  });

  it('a token near its end is asked for anew; while that fails the old one is used to its end', async () => {
    const browser = await signedIn();
    const before = asked.length;
    const me = async () => (await browser.ask(`${stack.gateway.url}/.auth/me`)).status;
    stack.clock.advance(24 * hours - 60_000 - 7 * hours);
    await browser.signIn(`${stack.gateway.url}/.auth/login/aad`);
    stack.clock.advance(7 * hours);
    identityDown = true;
    expect(await me()).toBe(200);
    identityDown = false;
    expect(await me()).toBe(200);
    expect(asked.length).toBe(before + 1);
    stack.clock.advance(60_000);
    expect(await me()).toBe(200);
  });

  it('a token the service no longer knows is not used twice', async () => {
    const browser = await signedIn();
    good = 'revoked';
    const statuses: number[] = [];
    for (let tries = 0; tries < 2; tries += 1)
      statuses.push((await browser.ask(`${stack.gateway.url}/.auth/me`)).status);
    expect(statuses).toEqual([500, 200]);
  });

  it('an identity without the role is one clear line and a 500, an endpoint out of reach a 503; no token is told', async () => {
    const browser = await signedIn();
    hasRole = false;
    expect((await browser.ask(`${stack.gateway.url}/.auth/me`)).status).toBe(500);
    hasRole = true;
    expect(stack.lines.at(-1)).toMatch(
      /blobContainerUri answers 403 \w+: the managed identity needs the role Storage Blob Data Contributor/,
    );
    stack.clock.advance(25 * hours);
    identityDown = true;
    const sent = await createBrowser().signIn(`${stack.gateway.url}/.auth/login/aad`);
    identityDown = false;
    expect(sent.status).toBe(503);
    expect(stack.lines.at(-1)).toContain(
      'the token store has no token: the managed identity endpoint answers 503',
    );
    expect(stack.lines.join()).not.toMatch(/canary/);
  });

  it('is described by its address, and refused without an endpoint, with a query, or beside another place', () => {
    const read = (changes: Record<string, unknown>, more: Record<string, string>) =>
      readSettings(ordinaryConfig('https://idp.test/tid/v2.0', changes), { AAD_SECRET: 'x', ...more });
    const uri = 'https://account.blob.core.windows.net/tokens';
    const { settings, problems } = read({ [`${storage}.blobContainerUri`]: uri }, env());
    expect(problems).toEqual([]);
    expect(describeSettings(settings)).toContain(`in the blob container ${uri}, by managed identity`);
    expect(read({ [`${storage}.blobContainerUri`]: uri }, {}).problems.join()).toContain(
      'blobContainerUri: needs IDENTITY_ENDPOINT',
    );
    const wrong: [Record<string, unknown>, RegExp][] = [
      [{ [`${storage}.blobContainerUri`]: `${uri}?sig=canary` }, /must have no query/],
      [
        { [`${storage}.blobContainerUri`]: 'https://account.blob.core.windows.net/' },
        /must be the URL of a blob container/,
      ],
      [{ [`${storage}.blobContainerUri`]: 'http://account.test/c' }, /must use https/],
      [
        { [`${storage}.blobContainerUri`]: uri, [`${storage}.sasUrlSettingName`]: 'AAD_SECRET' },
        /contradicts .*sasUrlSettingName/,
      ],
      [
        { [`${storage}.blobContainerUri`]: uri, 'login.tokenStore.fileSystem.directory': '/x' },
        /contradicts .*directory/,
      ],
    ];
    for (const [changes, pattern] of wrong) {
      const text = read(changes, env()).problems.join('\n');
      expect(text).toMatch(pattern);
      expect(text).not.toContain('canary');
    }
    const { warnings } = read({ [`${storage}.managedIdentityResourceId`]: resourceId }, {});
    expect(warnings.join()).toContain('managedIdentityResourceId: has no effect');
  });
});
