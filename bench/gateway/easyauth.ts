import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createBrowser } from '../../local/demo/browser.js';
import { type Candidate, type RawHeaders, sizeOf } from './candidate.js';
import { saying, start } from './process.js';

const command = fileURLToPath(new URL('../../easyauth/cli.js', import.meta.url));

export interface GatewayWanted {
  readonly upstream: string;
  readonly directory: string;
  readonly port: number;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly loginHint: string;
}

/** The configuration of the gateway under measurement. */
export function authJson({ issuer, clientId }: GatewayWanted, enabled: boolean): string {
  return JSON.stringify({
    platform: { enabled },
    globalValidation: { requireAuthentication: true, unauthenticatedClientAction: 'Return401' },
    httpSettings: { requireHttps: false },
    login: { tokenStore: { enabled: true } },
    identityProviders: {
      azureActiveDirectory: {
        registration: { openIdIssuer: issuer, clientId, clientSecretSettingName: 'AAD_SECRET' },
        login: { loginParameters: ['scope=openid profile email offline_access'] },
      },
    },
  });
}

interface Mode {
  readonly enabled: boolean;
  readonly workers: number;
  readonly port: number;
}

async function run(wanted: GatewayWanted, { enabled, workers, port }: Mode) {
  await mkdir(wanted.directory, { recursive: true });
  const file = join(wanted.directory, `auth-${enabled}.json`);
  await writeFile(file, authJson(wanted, enabled));
  const options = { '--config': file, '--upstream': wanted.upstream, '--state': wanted.directory };
  const numbers = { '--port': String(port), '--workers': String(workers) };
  const args = Object.entries({ ...options, ...numbers, '--log': 'info' }).flat();
  const started = start(process.execPath, [command, ...args], { AAD_SECRET: wanted.clientSecret });
  return { ...started, url: await saying(started, /listening url=(\S+)/) };
}

/** `gateway, signed in, 2 processes` */
export function gatewayName(enabled: boolean, workers: number): string {
  const processes = workers === 1 ? '1 process' : `${workers} processes`;
  return `gateway, ${enabled ? 'signed in' : 'authentication off'}, ${processes}`;
}

/** The gateway's command with authentication switched off: the same proxying and nothing else. */
export async function gatewayOff(wanted: GatewayWanted, workers: number): Promise<Candidate> {
  const { url, stop, cpuTime } = await run(wanted, { enabled: false, workers, port: 0 });
  const target = { url: `${url}/`, cookie: '' };
  return { name: gatewayName(false, workers), target, note: 'nothing injected', stop, cpuTime };
}

export interface SignedInGateway extends Candidate {
  /** What the gateway adds for the signed-in user. */
  readonly injected: RawHeaders;
}

/** Signs the user in through the gateway: the session cookie, and what the gateway adds to a request. */
export async function signIn(
  url: string,
  loginHint: string,
): Promise<{ cookie: string; injected: RawHeaders }> {
  const browser = createBrowser();
  const hint = encodeURIComponent(loginHint);
  const page = await browser.visit(`${url}/.auth/login/aad?post_login_redirect_uri=/seen&login_hint=${hint}`);
  if (page.status !== 200) throw new Error(`the sign-in through the gateway ended with ${page.status}`);
  const seen: unknown = JSON.parse(page.text);
  const headers = Array.isArray(seen) ? seen.map(String) : [];
  const injected = headers.filter((_text, index) => /^x-ms-/i.test(headers[index - (index % 2)] ?? ''));
  const cookies = browser.cookie(url).split('; ');
  return { cookie: cookies.filter((pair) => pair.startsWith('AppServiceAuthSession')).join('; '), injected };
}

/** The gateway's command, one process, with a signed-in user: session, token store, all headers. */
export async function gateway(wanted: GatewayWanted): Promise<SignedInGateway> {
  const { url, stop, cpuTime } = await run(wanted, { enabled: true, workers: 1, port: wanted.port });
  const { cookie, injected } = await signIn(url, wanted.loginHint);
  const note = `${sizeOf(injected)} bytes injected`;
  return { name: gatewayName(true, 1), target: { url: `${url}/`, cookie }, note, injected, stop, cpuTime };
}

/** As `gateway` with several processes, over the same keys and token store: the same session is good here. */
export async function gatewayOf(
  wanted: GatewayWanted,
  workers: number,
  one: SignedInGateway,
): Promise<Candidate> {
  const { url, stop, cpuTime } = await run(wanted, { enabled: true, workers, port: 0 });
  const target = { url: `${url}/`, cookie: one.target?.cookie ?? '' };
  return { name: gatewayName(true, workers), target, note: one.note, stop, cpuTime };
}
