import type { StackClient } from '../stack/stack_json.js';
import type { Cast, User } from './cast.js';
import { DemoFailed, list, members, text } from './narrator.js';
import type { OrdersApi } from './orders_api.js';
import { CLIENTS, GRAPH, ORDERS } from './tenant.js';

const ALICE = 'alice@contoso.test';
/** Short enough to watch a token end, long enough to use it first. */
const SHORT_LIFE_SECONDS = 20;

interface Story extends Cast {
  readonly orders: OrdersApi;
  readonly service: StackClient;
}

interface Grants {
  readonly orders: string;
  readonly mail: string;
}

/** The main job from sign-in to audit. @throws DemoFailed at the first step that does not show what it should */
export async function tellStory(cast: Cast, orders: OrdersApi): Promise<void> {
  const service = cast.stack.clients.find((client) => client.client_id === CLIENTS.nightlyReport.clientId);
  if (!service) throw new DemoFailed('stack.json does not name the demo client');
  const story = { ...cast, orders, service };
  const alice = await signInAlice(story);
  await connect(story, alice);
  const grants = await allow(story, alice);
  await useMintedToken(story, grants);
  const graphToken = await useGraphToken(story, grants);
  await refreshUnattended(story, grants, graphToken);
  await revoke(story, grants);
  await readAudit(story);
}

async function signInAlice({ signIn, narrator }: Story): Promise<User> {
  narrator.step('Alice signs in once, through Easy Auth');
  narrator.say(
    'GET /.auth/login/aad → identity provider → form post back to /.auth/login/aad/callback → /.auth/me',
  );
  const alice = await signIn(ALICE);
  const [me] = list(alice.landing.body);
  narrator.expect(
    alice.landing.status === 200 && me?.user_id === ALICE,
    `/.auth/me says: ${text(me?.user_id)}`,
  );
  narrator.expect(
    me?.refresh_token !== undefined,
    'the token store of Easy Auth holds a refresh token for her',
  );
  return alice;
}

async function connect({ narrator }: Story, alice: User): Promise<void> {
  narrator.step('The broker takes over her credential, tries it, and seals it');
  narrator.say('(a fresh start first, should the demo have run on this stack before)');
  await alice.send('DELETE', '/connections/aad');
  const { status, body } = await alice.send('POST', '/connections', {});
  narrator.expect(status === 201 && members(body).state === 'active', 'a connection is made');
}

async function allow({ narrator, service }: Story, alice: User): Promise<Grants> {
  narrator.step(`Alice allows ${service.client_id} to read her orders and her mail, and nothing else`);
  const grant = async (resource: string, scope: string): Promise<string> => {
    const { status, body } = await alice.send('POST', '/grants', {
      client_id: service.client_id,
      resource,
      scope,
    });
    narrator.expect(status === 201, `a grant for ${scope}`);
    return text(members(body).grant_id);
  };
  const grants = { orders: await grant(ORDERS, 'orders.read'), mail: await grant(GRAPH, 'Mail.Read') };
  const wider = { client_id: service.client_id, resource: ORDERS, scope: 'orders.write' };
  const { status } = await alice.send('POST', '/grants', wider);
  narrator.expect(status === 400, 'policy does not let this service write orders, not even with her consent');
  return grants;
}

async function useMintedToken(
  { narrator, askToken, callApi, orders, service }: Story,
  grants: Grants,
): Promise<void> {
  narrator.step('At night the service asks for a token for the orders API: the broker mints a narrow one');
  const { status, body } = await askToken(service, grants.orders, ORDERS);
  const { access_token: token, narrowing, scope } = members(body);
  narrator.expect(
    status === 200 && narrowing === 'minted' && scope === 'orders.read',
    'minted, for orders.read alone',
  );
  const read = await callApi(orders.url, text(token));
  narrator.expect(read.status === 200, 'the orders API checks it against /jwks and answers');
  const write = await callApi(orders.url, text(token), 'POST');
  narrator.expect(write.status === 403, 'a wider call with the same token is refused');
  const wider = await askToken(service, grants.orders, ORDERS, 'orders.read orders.write');
  narrator.expect(members(wider.body).error === 'invalid_scope', 'and a wider token is not to be had');
}

async function useGraphToken(story: Story, grants: Grants): Promise<string> {
  const { narrator, askToken, callApi, turnKnob, service, stack } = story;
  narrator.step('For Graph it gets the provider’s own token, and is told the truth about it');
  narrator.say(
    `(the identity provider now issues access tokens for ${SHORT_LIFE_SECONDS} s, to see one end)`,
  );
  await turnKnob('lifetimes', { accessTokenSeconds: SHORT_LIFE_SECONDS });
  const { status, body } = await askToken(service, grants.mail, GRAPH);
  const { access_token: token, narrowing, scope } = members(body);
  narrator.expect(status === 200, 'a token for her mail');
  narrator.expect(
    narrowing === 'none' && text(scope).split(' ').includes('User.Read'),
    'narrowing “none”: the provider gave more than Mail.Read, policy allows it, and nobody calls it narrowed',
  );
  const mail = await callApi(`${stack.idp}/graph/v1.0/me/messages`, text(token));
  narrator.expect(mail.status === 200, 'Graph shows her messages');
  return text(token);
}

async function refreshUnattended(story: Story, grants: Grants, first: string): Promise<void> {
  const { narrator, askToken, callApi, waitFor, service, stack } = story;
  narrator.step('The access token ends, and the timer has refreshed it with nobody present');
  const since = new Date(Date.now() - SHORT_LIFE_SECONDS * 1000).toISOString();
  const auditor = await story.signIn(stack.auditor.login_hint);
  const quiet = await waitFor('the timer did not refresh the token', 60, async () => {
    const events = await readQuietly(auditor, `/audit/events?type=connection.refreshed&from=${since}`);
    return list(events.events).find(({ actor, resource }) => actor === 'timer' && resource === GRAPH);
  });
  narrator.say(`audit: ${text(quiet.at)} connection.refreshed by ${text(quiet.actor)}`);
  narrator.expect(true, 'the timer refreshed it; no user and no service had asked');
  await waitFor('the first token did not end', 60, async () => {
    const old = await fetch(`${stack.idp}/graph/v1.0/me`, { headers: { authorization: `Bearer ${first}` } });
    return old.status === 401 ? true : undefined;
  });
  narrator.expect(true, 'the first token has ended: Graph answers 401 to it');
  const { status, body } = await askToken(service, grants.mail, GRAPH);
  const token = text(members(body).access_token);
  narrator.expect(status === 200 && token !== first, 'the service asks again and gets a fresh one');
  const mail = await callApi(`${stack.idp}/graph/v1.0/me`, token);
  narrator.expect(mail.status === 200, 'which works');
}

/** Polling is not part of the story. */
async function readQuietly(user: User, path: string): Promise<Readonly<Record<string, unknown>>> {
  return members((await user.read(path)).body);
}

async function revoke(story: Story, grants: Grants): Promise<void> {
  const { narrator, askToken, turnKnob, waitFor, service, stack } = story;
  narrator.step('Alice’s sessions are revoked at the identity provider');
  const since = new Date().toISOString();
  await turnKnob(`users/${ALICE}/revoke`);
  const auditor = await story.signIn(stack.auditor.login_hint);
  const failure = await waitFor('no refresh failure was recorded', 60, async () => {
    const page = await readQuietly(auditor, `/audit/refresh-failures?from=${since}&class=grant_dead`);
    return list(page.failures)[0];
  });
  narrator.say(`failure log: ${JSON.stringify(failure)}`);
  narrator.expect(
    failure.cause === 'timer',
    'the next refresh by the timer failed, and its row says what to do',
  );
  for (const [grantId, resource] of [
    [grants.mail, GRAPH],
    [grants.orders, ORDERS],
  ] as const) {
    const { status, body } = await askToken(service, grantId, resource);
    narrator.expect(status === 400 && members(body).error === 'invalid_grant', `/token refuses ${resource}`);
  }
}

async function readAudit({ narrator, signIn, stack }: Story): Promise<void> {
  narrator.step('Audra, the auditor, sees all of it');
  const audra = await signIn(stack.auditor.login_hint);
  const page = await audra.read('/audit/events?limit=200');
  const events = list(members(page.body).events).filter(({ type }) => type !== 'audit.read');
  for (const event of [...events].reverse().slice(-16)) {
    const { at, type, client_id: client = '', resource = '', scope = '', narrowing = '', error = '' } = event;
    narrator.say(
      [text(at).slice(11, 19), type, client, resource, scope, narrowing, error].filter(Boolean).join('  '),
    );
  }
  const seen = new Set(events.map(({ type }) => text(type)));
  const expected = [
    'connection.created',
    'grant.created',
    'token.issued',
    'token.refused',
    'connection.refreshed',
    'connection.died',
  ];
  narrator.expect(
    page.status === 200 && expected.every((type) => seen.has(type)),
    `on the record: ${expected.join(', ')}`,
  );
  const bob = await signIn('bob@contoso.test');
  const refused = await bob.send('GET', '/audit/events');
  narrator.expect(refused.status === 403, 'Bob, who is no auditor, sees nothing');
}
