import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { createBrowser } from '../../local/demo/browser.js';
import { GRAPH, ORDERS } from '../../local/demo/tenant.js';
import type { StackClient, StackJson } from '../../local/stack/stack_json.js';
import { freePort, saying, start } from '../gateway/process.js';
import { median } from '../gateway/table.js';

export interface TokenBenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (text: string) => void;
}

interface Candidate {
  readonly name: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly runs: number[];
}

const CONNECTIONS = 50;
const FREE_PORTS = {
  EASYAUTH_PORT: '0',
  FUNCTIONS_PORT: '0',
  IDP_PORT: '0',
  AZURITE_BLOB_PORT: '0',
  AZURITE_QUEUE_PORT: '0',
  AZURITE_TABLE_PORT: '0',
};
const TARGETS: Readonly<Record<string, number>> = {
  'cached provider token, bearer app token': 0.4,
  'minted ES256 token, bearer app token': 0.5,
};

/**
 * `POST /token` as deployed, against a function on the same host that echoes the same body: the ratio is what our code, with its durable
 * audit row, leaves of the platform's own ceiling.
 */
export async function benchToken({ rounds, seconds, say }: TokenBenchOptions): Promise<void> {
  const stateDir = mkdtempSync(join(tmpdir(), 'token-bench-'));
  const stack = await startStack(stateDir);
  const echo = await startEcho();
  try {
    const candidates = await prepare(stack.json, echo.url);
    for (const candidate of candidates) await run(candidate, 2);
    for (let round = 0; round < rounds; round++) {
      for (const candidate of candidates) candidate.runs.push(await run(candidate, seconds));
    }
    report(candidates, say, { rounds, seconds });
  } finally {
    await echo.stop();
    await stack.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

/** The repository's root, three above where the benchmarks are compiled to. */
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

async function startStack(stateDir: string): Promise<{ json: StackJson; stop: () => Promise<void> }> {
  const started = start(process.execPath, [join(ROOT, 'dist/local/start.js')], {
    ...FREE_PORTS,
    LOCAL_STATE_DIR: stateDir,
  });
  await saying(started, /^(Ready)/m);
  const json = JSON.parse(readFileSync(join(stateDir, 'stack.json'), 'utf8')) as StackJson;
  return { json, stop: started.stop };
}

async function startEcho(): Promise<{ url: string; stop: () => Promise<void> }> {
  const host = join(ROOT, 'dist/local/functions_host/main.js');
  const args = [host, '--app', join(ROOT, 'bench/token/echo_app'), '--port', String(await freePort())];
  const started = start(process.execPath, args, { FUNCTIONS_WORKER_RUNTIME: 'node' });
  return { url: `${await saying(started, /listening url=(\S+)/)}/token`, stop: started.stop };
}

async function prepare(stack: StackJson, echoUrl: string): Promise<readonly Candidate[]> {
  const [client] = stack.clients;
  if (!client) throw new Error('stack.json names no client');
  const graph = form(await allow(stack, client, GRAPH, 'Mail.Read'), GRAPH);
  const orders = form(await allow(stack, client, ORDERS, 'orders.read'), ORDERS);
  const bearer = { authorization: `Bearer ${await appToken(client)}` };
  const pair = Buffer.from(`${client.client_id}:${client.client_secret}`).toString('base64');
  const url = `${stack.functions}/token`;
  const candidate = (name: string, at: string, headers: Record<string, string>, body: string): Candidate => ({
    name,
    url: at,
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
    body,
    runs: [],
  });
  return [
    candidate('echo function, same host', echoUrl, bearer, graph),
    candidate('cached provider token, bearer app token', url, bearer, graph),
    candidate('cached provider token, client secret', url, { authorization: `Basic ${pair}` }, graph),
    candidate('minted ES256 token, bearer app token', url, bearer, orders),
  ];
}

function form(grantId: string, resource: string): string {
  return new URLSearchParams({ grant_type: 'refresh_token', refresh_token: grantId, resource }).toString();
}

async function allow(
  stack: StackJson,
  client: StackClient,
  resource: string,
  scope: string,
): Promise<string> {
  const browser = createBrowser();
  await browser.visit(
    `${stack.gateway}/.auth/login/aad?login_hint=alice@contoso.test&post_login_redirect_uri=/.auth/me`,
  );
  const json = { client_id: client.client_id, resource, scope };
  const answer = await browser.send(`${stack.gateway}/grants`, { method: 'POST', json });
  const { grant_id: grantId } = JSON.parse(answer.text) as { grant_id?: string };
  if (grantId === undefined) throw new Error(`no grant: ${answer.status}`);
  return grantId;
}

async function appToken(client: StackClient): Promise<string> {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client.app_id,
    client_secret: client.client_secret,
    scope: client.scope,
  });
  const response = await fetch(client.token_url, { method: 'POST', body });
  const { access_token: token } = (await response.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`no app token: ${response.status}`);
  return token;
}

async function run({ url, headers, body }: Candidate, seconds: number): Promise<number> {
  const result = await autocannon({
    url,
    method: 'POST',
    headers,
    body,
    connections: CONNECTIONS,
    duration: seconds,
  });
  if (result.non2xx + result.errors > 0)
    throw new Error(`not every request was answered: ${result.non2xx} ${result.errors}`);
  return result.requests.average;
}

function report(
  candidates: readonly Candidate[],
  say: (text: string) => void,
  { rounds, seconds }: { rounds: number; seconds: number },
): void {
  const base = median(candidates[0]?.runs ?? []);
  say(`POST /token, straight at the Functions host: ${rounds} rounds of ${seconds} s each, taking turns,`);
  say(
    `${CONNECTIONS} connections by autocannon, medians, Node ${process.versions.node}, Azurite on disk beside it\n`,
  );
  for (const { name, runs } of candidates) {
    const perSecond = median(runs);
    const wanted = TARGETS[name];
    const ratio = perSecond / base;
    const verdict =
      wanted === undefined ? '' : `, wanted at least ${wanted}: ${ratio >= wanted ? 'met' : 'MISSED'}`;
    say(
      `${name.padEnd(42)} ${Math.round(perSecond).toString().padStart(6)}/s  ${ratio.toFixed(2)} of the echo${verdict}`,
    );
  }
}
