import { createBrowser } from '../../local/demo/browser.js';
import { CLIENTS, GRAPH, ORDERS } from '../../local/demo/tenant.js';
import type { StackClient, StackJson } from '../../local/stack/stack_json.js';
import { assertion, BY_KEY, BY_KEY_REUSED, BY_SECRET, SECRET } from './clients.js';
import { post } from './load.js';
import { type Part, type Parts, USERS } from './parts.js';
import { grantIdOf, type Resource, SCOPES } from './users.js';

export interface Candidate {
  readonly name: string;
  readonly part: Part;
  readonly request: (n: number) => Buffer;
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

export type Candidates = Readonly<Record<CandidateName, Candidate>>;
export type CandidateName =
  | 'echo'
  | 'cached'
  | 'secret'
  | 'minted'
  | 'memory'
  | 'memoryMinted'
  | 'few'
  | 'many'
  | 'bareSecret'
  | 'peerSecret'
  | 'bareKey'
  | 'bareKeyReused'
  | 'peerKey';

/** Everything that is measured, each with the requests it is sent. */
export async function prepare(parts: Parts): Promise<Candidates> {
  const { stack, deployed, echo, memory, bare, peer } = parts;
  const [client] = stack.clients;
  if (!client) throw new Error('stack.json names no client');
  const graph = grantForm(await allow(stack, client, GRAPH), GRAPH);
  const orders = grantForm(await allow(stack, client, ORDERS), ORDERS);
  const bearer = { authorization: `Bearer ${await appToken(client)}` };
  const basic = `${client.client_id}:${client.client_secret}`;
  const fixed = (name: string, part: Part, form: Record<string, string>, headers = {}): Candidate => {
    const bytes = post(part.url, headers, new URLSearchParams(form).toString());
    return { name, part, request: () => bytes };
  };
  const made = (n: number, resource: Resource) =>
    grantForm(grantIdOf(n, CLIENTS.nightlyReport.clientId, resource), resource);
  const among = (name: string, users: number): Candidate => {
    const bytes = Array.from({ length: users }, (_, n) =>
      post(memory.url, bearer, new URLSearchParams(made(n, GRAPH)).toString()),
    );
    return { name, part: memory, request: (n) => bytes[n % users] ?? Buffer.alloc(0) };
  };
  const held = (clientId: string) => grantForm(grantIdOf(0, clientId, GRAPH), GRAPH);
  const exchanged = {
    grant_type: EXCHANGE,
    subject_token: grantIdOf(0, BY_SECRET, GRAPH),
    subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token',
  };
  const bySecret = { client_id: BY_SECRET, client_secret: SECRET };
  const asserted = (token: string) => ({ client_assertion_type: JWT_BEARER, client_assertion: token });
  const anew = (name: string, part: Part, form: Record<string, string>, audience: string): Candidate => ({
    name,
    part,
    request: () =>
      post(
        part.url,
        {},
        new URLSearchParams({
          ...form,
          client_id: BY_KEY,
          ...asserted(assertion(BY_KEY, audience)),
        }).toString(),
      ),
  });
  return {
    echo: fixed('echo function on the same host', echo, graph, bearer),
    cached: fixed('cached provider token, bearer app token', deployed, graph, bearer),
    secret: fixed('cached provider token, client secret', deployed, graph, {
      authorization: `Basic ${Buffer.from(basic).toString('base64')}`,
    }),
    minted: fixed('minted ES256 token, bearer app token', deployed, orders, bearer),
    memory: fixed('tables in memory: cached, bearer app token', memory, made(0, GRAPH), bearer),
    memoryMinted: fixed('tables in memory: minted, bearer app token', memory, made(0, ORDERS), bearer),
    few: among('tables in memory: cached, 10 users in turn', 10),
    many: among(`tables in memory: cached, ${USERS.toLocaleString('en')} users in turn`, USERS),
    bareSecret: fixed('broker on node:http, client secret', bare, { ...held(BY_SECRET), ...bySecret }),
    peerSecret: fixed('oidc-provider on node:http, client secret', peer, { ...exchanged, ...bySecret }),
    bareKey: anew('broker on node:http, private_key_jwt used once', bare, held(BY_KEY), stack.gateway),
    bareKeyReused: fixed('broker on node:http, private_key_jwt reused', bare, {
      ...held(BY_KEY_REUSED),
      ...asserted(assertion(BY_KEY_REUSED, stack.gateway)),
    }),
    peerKey: anew('oidc-provider on node:http, private_key_jwt', peer, exchanged, new URL(peer.url).origin),
  };
}

function grantForm(grantId: string, resource: Resource): Record<string, string> {
  return { grant_type: 'refresh_token', refresh_token: grantId, resource };
}

async function allow(stack: StackJson, client: StackClient, resource: Resource): Promise<string> {
  const browser = createBrowser();
  await browser.visit(
    `${stack.gateway}/.auth/login/aad?login_hint=alice@contoso.test&post_login_redirect_uri=/.auth/me`,
  );
  const json = { client_id: client.client_id, resource, scope: SCOPES[resource] };
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
