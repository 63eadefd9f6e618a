import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readSettings } from '../../easyauth/config/read.js';
import { createBlobStore } from '../../easyauth/store/blob/blob_store.js';
import { sasAccess } from '../../easyauth/store/blob/container_access.js';
import { type BlobProxy, type BlobServer, startBlobProxy, startBlobs } from './support/blobs.js';
import { createBrowser } from './support/browser.js';
import { seconds } from './support/clock.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid } from './support/scripted_provider.js';
import { type Stack, startStack } from './support/stack.js';

let blobs: BlobServer;
let proxy: BlobProxy;
const stacks: Stack[] = [];

beforeAll(async () => {
  blobs = await startBlobs();
  proxy = await startBlobProxy(blobs.url);
});
afterAll(async () => {
  await Promise.all(stacks.map((stack) => stack.close()));
  await proxy.close();
  await blobs.close();
});

interface Wanted {
  readonly permissions?: string;
  readonly livesMs?: number;
  readonly container?: string;
  readonly config?: Record<string, unknown>;
}

/** A stack whose tokens are in a container of its own, reached through the proxy. */
async function stackOn({ permissions = 'rwdl', livesMs, container = randomUUID(), config }: Wanted = {}) {
  await blobs.container(container);
  const sas = (await blobs.sasUrl(container, permissions, livesMs)).replace(blobs.url, proxy.url);
  const stack = await startStack({
    config: { 'login.tokenStore.azureBlobStorage.sasUrlSettingName': 'TOKENS_SAS', ...config },
    env: { TOKENS_SAS: sas },
  });
  stacks.push(stack);
  const signature = new URL(sas).searchParams.get('sig') ?? '';
  return { stack, container, signature, url: stack.gateway.url };
}

async function names(container: string): Promise<string[]> {
  const found: string[] = [];
  for await (const blob of (await blobs.container(container)).listBlobsFlat()) found.push(blob.name);
  return found;
}

async function signedIn(url: string) {
  const browser = createBrowser();
  await browser.signIn(`${url}/.auth/login/aad`);
  return browser;
}

describe('§9 §13 tokens in a blob container by SAS URL [M/O]', () => {
  it('sign-in, headers, /.auth/me, refresh and sign-out work; one blob a user, nothing readable in it', async () => {
    const { container, url, stack } = await stackOn();
    const browser = await signedIn(url);
    const [name = '', ...more] = await names(container);
    expect([/^[0-9a-f]{64}\.json$/.test(name), more]).toEqual([true, []]);
    const text = (await (await blobs.container(container)).getBlobClient(name).downloadToBuffer()).toString();
    for (const canary of ['alice', aliceOid, 'rt.', 'at.', 'eyJhbGci']) expect(text).not.toContain(canary);
    const before = (await browser.ask(`${url}/api`)).json<Seen>().headers['x-ms-token-aad-access-token'];
    expect((await browser.ask(`${url}/.auth/refresh`)).status).toBe(200);
    const after = (await browser.ask(`${url}/api`)).json<Seen>().headers['x-ms-token-aad-access-token'];
    expect(after).not.toEqual(before);
    expect((await browser.ask(`${url}/.auth/me`)).json<unknown[]>().length).toBe(1);
    await browser.ask(`${url}/.auth/logout`);
    expect(await names(container)).toEqual([]);
    expect(stack.lines.filter((line) => / (warn|error) /.test(line))).toEqual([]);
  });

  it('plain GET, HEAD, PUT and DELETE by path are all it asks', () => {
    const forms = proxy.calls.map((call) => call.replace(/[0-9a-f]{64}/, 'user'));
    expect([...new Set(forms)].sort()).toEqual([
      'DELETE user.json',
      'DELETE user.json.lock',
      'GET user.json',
      'HEAD user.json.lock',
      'PUT user.json',
      'PUT user.json.lock',
    ]);
  });

  it('a busy user costs no blob call a request; /.auth/me always asks, by etag', async () => {
    const { stack, url } = await stackOn();
    const browser = await signedIn(url);
    stack.clock.advance(10 * seconds);
    const from = proxy.calls.length;
    for (let count = 0; count < 50; count += 1) await browser.ask(`${url}/api`);
    expect(proxy.calls.length - from).toBeLessThanOrEqual(2);
    const between = proxy.calls.length;
    for (let count = 0; count < 3; count += 1) await browser.ask(`${url}/.auth/me`);
    expect(proxy.calls.length - between).toBe(3);
  });

  it('a session without an entry costs no blob call a request either', async () => {
    const { stack, url, container } = await stackOn();
    const browser = await signedIn(url);
    for (const name of await names(container)) await (await blobs.container(container)).deleteBlob(name);
    stack.clock.advance(10 * seconds);
    const from = proxy.calls.length;
    for (let count = 0; count < 20; count += 1) await browser.ask(`${url}/api`);
    expect(proxy.calls.length - from).toBeLessThanOrEqual(2);
    expect((await browser.ask(`${url}/.auth/me`)).text).toBe('[]');
  });

  it('twenty refreshes over two gateways make one provider call and lose nothing', async () => {
    const { stack, url } = await stackOn();
    const second = await stack.another();
    const browser = await signedIn(url);
    const calls = stack.provider.tokenCalls.length;
    stack.provider.script.tokenDelayMs = 50;
    const urls = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? url : second.url));
    const answers = await Promise.all(
      urls.map((each) => createBrowser(new Map(browser.jar)).ask(`${each}/.auth/refresh`)),
    );
    expect(answers.map((answer) => answer.status)).toEqual(urls.map(() => 200));
    expect(stack.provider.tokenCalls.length).toBe(calls + 1);
    stack.provider.script.tokenDelayMs = 0;
    stack.clock.advance(2 * seconds);
    expect((await browser.ask(`${second.url}/.auth/refresh`)).status).toBe(200);
  });

  it('without the permission to delete, refresh works and sign-out still leaves no token', async () => {
    const { url, container, stack } = await stackOn({ permissions: 'rwl' });
    expect(stack.lines.join('\n')).toMatch(/lacks permissions setting=TOKENS_SAS missing=d/);
    const browser = await signedIn(url);
    expect((await browser.ask(`${url}/.auth/refresh`)).status).toBe(200);
    await browser.ask(`${url}/.auth/logout`);
    const [name = ''] = (await names(container)).filter((each) => each.endsWith('.json'));
    const left = await (await blobs.container(container)).getBlobClient(name).downloadToBuffer();
    expect(JSON.parse(left.toString())).toMatchObject({ tokens: {} });
  });
});

describe('§11 pitfall 14: a store that does not let the gateway in [O]', () => {
  const wrong: [string, Wanted, RegExp][] = [
    ['has ended', { livesMs: -60_000 }, /403 \w+: the SAS has ended, is wrong or lacks a permission/],
    ['may not write', { permissions: 'rl' }, /403 AuthorizationPermissionMismatch/],
    ['may not read', { permissions: 'wdl' }, /403 AuthorizationPermissionMismatch/],
  ];
  it.each(wrong)(
    'a SAS that %s: the sign-in ends in a 500 and one clear line, never in another sign-in',
    async (_name, wanted, said) => {
      const config = { 'globalValidation.unauthenticatedClientAction': 'RedirectToLoginPage' };
      const { stack, url, signature } = await stackOn({ ...wanted, config });
      const from = stack.lines.length;
      const answer = await createBrowser().signIn(`${url}/api`);
      expect([answer.status, answer.headers.location]).toEqual([500, undefined]);
      const told = stack.lines.slice(from).filter((line) => line.includes(' error '));
      expect(told.length).toBe(1);
      expect(told[0]).toMatch(said);
      expect(told[0]).toContain('TOKENS_SAS');
      for (const line of stack.lines) {
        expect(line).not.toContain(signature);
        expect(line).not.toContain(encodeURIComponent(signature));
      }
    },
  );

  it('a SAS that ended while users are signed in: 500, the session stays and works again later', async () => {
    const container = randomUUID();
    const { url, stack } = await stackOn({ container });
    const browser = await signedIn(url);
    await (await blobs.container(container)).delete();
    stack.clock.advance(10 * seconds);
    for (const path of ['/api', '/.auth/me', '/.auth/refresh'])
      expect((await browser.ask(`${url}${path}`)).status).toBe(500);
    expect(stack.lines.at(-1)).toContain('ContainerNotFound: there is no such container');
    await blobs.container(container);
    expect((await browser.ask(`${url}/.auth/me`)).text).toBe('[]');
  });

  it('a service that cannot be reached or is busy is a 503 with Retry-After, and recovers', async () => {
    const { url, stack } = await stackOn();
    const browser = await signedIn(url);
    for (const fault of ['reset', 'unavailable'] as const) {
      proxy.fault = fault;
      const answer = await browser.ask(`${url}/.auth/me`);
      proxy.fault = undefined;
      expect([answer.status, answer.headers['retry-after']]).toEqual([503, '2']);
    }
    expect(stack.lines.at(-1)).toMatch(/the token store of TOKENS_SAS answers 503/);
    expect((await browser.ask(`${url}/.auth/me`)).json<unknown[]>().length).toBe(1);
  });

  it('§5.6 signing out while the store is unusable removes the session from the browser and says what failed', async () => {
    const { url, stack } = await stackOn();
    const browser = await signedIn(url);
    for (const [fault, status] of [
      ['unavailable', 503],
      [undefined, 302],
    ] as const) {
      const other = createBrowser(new Map(browser.jar));
      proxy.fault = fault;
      const out = await other.ask(`${url}/.auth/logout`, { headers: { accept: 'text/html' } });
      proxy.fault = undefined;
      expect([out.status, other.jar.size]).toEqual([status, 0]);
      if (fault === undefined) continue;
      expect(out.text).toMatch(/signed out of this browser, but the tokens/);
      expect(stack.lines.join('\n')).toMatch(
        / error .*answered status=503\.79 .*path=\/\.auth\/logout .*TOKENS_SAS answers 503/,
      );
      expect((await browser.ask(`${url}/.auth/me`)).json<unknown[]>().length).toBe(1);
    }
  });

  it('an address that is no container SAS is refused at start by the setting’s path, without its value', () => {
    const document = { login: { tokenStore: { azureBlobStorage: { sasUrlSettingName: 'TOKENS_SAS' } } } };
    for (const value of ['https://canary.test/', 'http://canary.test/c?sig=x', 'https://canary.test/c']) {
      const { problems } = readSettings(document, { TOKENS_SAS: value });
      expect(problems.join('\n')).toMatch(/sasUrlSettingName: names a setting whose value must/);
      expect(problems.join('\n')).not.toContain('canary');
    }
  });
});

describe('§9 trouble on the way to the blob service [U]', () => {
  const user = 'ab'.repeat(32);
  const storeOn = async () => {
    const container = randomUUID();
    await blobs.container(container);
    const sas = (await blobs.sasUrl(container)).replace(blobs.url, proxy.url);
    return { container, store: createBlobStore(sasAccess({ setting: 'SAS', reveal: () => sas })) };
  };

  it('a lock whose answer was lost is recognised as one’s own', async () => {
    const { store } = await storeOn();
    proxy.fault = 'lost answer';
    setTimeout(() => {
      proxy.fault = undefined;
    }, 20);
    const started = Date.now();
    expect(await store.exclusive(user, async (lease) => lease.lost())).toBe(false);
    expect(Date.now() - started).toBeLessThan(5_000);
    await store.close();
  });

  it('a lock left behind is taken over after 30 s of the service’s clock, by one taker; a live one is not', async () => {
    const { store, container } = await storeOn();
    const lock = (await blobs.container(container)).getBlockBlobClient(`${user}.json.lock`);
    await lock.upload('somebody else', 13);
    let inside = 0;
    let most = 0;
    const work = async () => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((done) => setTimeout(done, 5));
      inside -= 1;
    };
    const waiting = Promise.all([store.exclusive(user, work), store.exclusive(user, work)]);
    await new Promise((done) => setTimeout(done, 150));
    expect(most).toBe(0);
    proxy.aheadMs = 31_000;
    setTimeout(() => {
      proxy.aheadMs = 0;
    }, 300);
    await waiting;
    expect(most).toBe(1);
    await store.close();
  });

  it('a holder that was taken over learns it, and does not remove the lock of the next', async () => {
    const { store, container } = await storeOn();
    const lock = (await blobs.container(container)).getBlockBlobClient(`${user}.json.lock`);
    const lost = await store.exclusive(user, async (lease) => {
      await lock.upload('somebody else', 13);
      return lease.lost();
    });
    expect(lost).toBe(true);
    expect((await lock.downloadToBuffer()).toString()).toBe('somebody else');
    await store.close();
  });
});
