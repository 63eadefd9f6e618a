import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../easyauth/free_port.js';
import { type Gateway, startGateway } from '../../easyauth/gateway.js';
import { type IdentityProvider, startIdentityProvider } from '../../local/identity_provider/server.js';
import { directoryOf } from './support/embedded.js';
import { clientSecret, tid } from './support/scripted_provider.js';
import { ordinaryConfig } from './support/stack.js';

const executable = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser'].find(
  (path) => path !== undefined && existsSync(path),
);
const notes = fileURLToPath(new URL('./apps/notes.mjs', import.meta.url));

let directory: string;
let app: ChildProcess;
let idp: IdentityProvider;
let gateway: Gateway;
let browser: Browser | undefined;

/** The app in a process of its own, started as App Service starts one: with PORT and nothing else. */
async function startApp(): Promise<number> {
  app = spawn(process.execPath, [notes], { env: { PORT: '0' }, stdio: ['ignore', 'pipe', 'inherit'] });
  if (app.stdout === null) throw new Error('the app says nothing');
  const [line] = await once(app.stdout, 'data');
  return Number(String(line).split(' ')[1]);
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'easyauth-chromium-'));
  const [port, appPort] = await Promise.all([freePort(), startApp()]);
  const log = () => {};
  idp = await startIdentityProvider({
    directory: directoryOf(port),
    stateDir: join(directory, 'idp'),
    port: 0,
    log,
  });
  const config = ordinaryConfig(`${idp.url}/${tid}/v2.0`, {
    'globalValidation.unauthenticatedClientAction': 'RedirectToLoginPage',
    'globalValidation.excludedPaths': ['/signed-out'],
  });
  const upstream = `http://localhost:${appPort}`;
  gateway = await startGateway({
    config,
    upstream,
    port,
    stateDir: directory,
    env: { AAD_SECRET: clientSecret },
    log,
  });
  if (executable !== undefined)
    browser = await chromium.launch({ executablePath: executable, args: ['--no-sandbox'] });
});
afterAll(async () => {
  await browser?.close();
  app.kill('SIGKILL');
  await Promise.all([gateway.close(), idp.close()]);
  await rm(directory, { recursive: true, force: true });
});

/** Presses a button of the app's page and gives what the page then shows. */
async function press(page: Page, button: string): Promise<string> {
  await page.evaluate("document.getElementById('out-text').textContent = ''");
  await page.click(`#${button}`);
  await page.waitForFunction("document.getElementById('out-text').textContent !== ''");
  return page.locator('#out-text').innerText();
}

interface Shown {
  readonly user: string;
  readonly name: string;
  readonly provider: string;
  readonly expires: string;
  readonly token: string;
}

describe('§4.3 §5.1 §5.6 an unmodified app written for Easy Auth, in Chromium [D]', () => {
  it('signs in by a click, reads /.auth/me, refreshes from page script, signs out', async ({ skip }) => {
    if (browser === undefined) return skip('no Chromium found: install one or set CHROMIUM_PATH');
    const context = await browser.newContext();
    const page = await context.newPage();

    await page.goto(`${gateway.url}/?list=inbox`);
    expect(new URL(page.url()).origin).toBe(idp.url);
    await page.getByRole('button', { name: /alice/i }).click();
    await page.waitForURL(`${gateway.url}/?list=inbox`);
    expect(await page.locator('#name').innerText()).toBe('Alice');

    const me: Shown = JSON.parse(await press(page, 'me'));
    expect(me).toMatchObject({ user: 'alice@contoso.test', name: 'Alice', provider: 'aad' });
    const headers = JSON.parse(await press(page, 'mail'));
    expect(headers).toEqual({ token: me.token, expires: me.expires, idp: 'aad' });

    expect(await press(page, 'refresh')).toBe('refreshed');
    const after: Shown = JSON.parse(await press(page, 'me'));
    expect(after.token).not.toBe(me.token);
    expect(JSON.parse(await press(page, 'mail')).token).toBe(after.token);
    const cookies = await context.cookies();
    expect(cookies.filter(({ name }) => name === 'AppServiceAuthSession')).toMatchObject([
      { httpOnly: true },
    ]);

    await page.click('#out');
    await page.waitForURL(`${gateway.url}/signed-out`);
    expect(await page.locator('body').innerText()).toBe('Bye');
    const left = await context.cookies(gateway.url);
    expect(left.map(({ name }) => name)).not.toContain('AppServiceAuthSession');
    await page.goto(`${gateway.url}/`);
    expect(new URL(page.url()).origin).toBe(idp.url);
    await page.getByRole('button', { name: /alice/i }).waitFor();
    await context.close();
  });
});
