import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createAuditLog } from '../../../shared/adapters/tables/audit.js';
import { createConnectionStore } from '../../../shared/adapters/tables/connections.js';
import { createGrantStore } from '../../../shared/adapters/tables/grants.js';
import { createTables } from '../../../shared/adapters/tables/service.js';
import { UsageFault } from '../../../shared/commands/command.js';
import { policyCommand } from '../../../shared/commands/policy.js';
import { matchesHash, parseSecretHash } from '../../../shared/domain/client_secret.js';
import { MAIL, NIGHTLY, policy, withBroker } from '../support/broker.js';
import { basic, exchangeForm, grantTo, refreshForm, signIn, tokenCall } from '../support/calls.js';
import { GRAPH, ORDERS } from '../support/samples.js';

const test = withBroker();
const TENANT = '11111111-1111-4111-8111-111111111111';
const GROUP = '66666666-6666-4666-8666-666666666666';
const folder = mkdtempSync(join(tmpdir(), 'policy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function file(document: unknown): string {
  const path = join(folder, `${++files}.json`);
  writeFileSync(path, typeof document === 'string' ? document : JSON.stringify(document));
  return path;
}

async function run(args: readonly string[], input = '') {
  const printed: string[] = [];
  const { connectionString } = test.tables;
  const table = createTables({ connectionString });
  const command = policyCommand({
    settings: () => ({
      BROKER_POLICY_FILE: file(policy),
      NIGHTLY_SECRET: NIGHTLY.secret,
      MAIL_SECRET: 'short',
    }),
    stores: () => ({
      audit: createAuditLog(table('audit')),
      grants: createGrantStore(table('grants')),
      connections: createConnectionStore(table('connections')),
    }),
    readInput: async () => input,
    clock: () => test.time.now,
    random: systemRandom,
  });
  const exit = await command({ args, print: (line) => printed.push(line) });
  return { exit, text: printed.join('\n'), json: () => JSON.parse(printed.join('\n')) };
}

const changed = (more: object) => ({
  ...policy,
  clients: { ...policy.clients, [NIGHTLY.id]: { ...policy.clients[NIGHTLY.id], ...more } },
});

describe('policy check', () => {
  it('of a sound document says so and which it is, without any settings', async () => {
    const { exit, json } = await run(['check', file({ ...policy, revision: 'r7' }), '--json']);
    expect(exit).toBe(0);
    expect(json()).toMatchObject({
      ok: true,
      revision: 'r7',
      clients: Object.keys(policy.clients).length,
      resources: 4,
      problems: [],
    });
  });

  it('lists every problem by its place, and with --secrets those of the settings, by name', async () => {
    const wrong = changed({ serves: ['api://gone'], actors: ['nobody'] });
    const { exit, text } = await run(['check', file(wrong)]);
    expect(exit).toBe(1);
    expect(text.split('\n')).toHaveLength(2);
    const secrets = await run(['check', file(policy), '--secrets']);
    expect(secrets.exit).toBe(1);
    expect(secrets.text).toContain('the setting MAIL_SECRET must hold at least 16 characters');
    expect(secrets.text).not.toContain('short');
  });

  it('of a file that is not there, or of none, is a usage fault', async () => {
    await expect(run(['check'])).rejects.toThrow(UsageFault);
    await expect(run(['check', join(folder, 'no')])).rejects.toThrow(/FILE names a file that cannot be read/);
  });
});

describe('policy explain', () => {
  const question = (more: readonly string[] = [], resource = ORDERS) => [
    'explain',
    ...['--client', NIGHTLY.id, '--subject', `aad:${TENANT}:alice`, '--resource', resource],
    ...more,
  ];

  it('says what would be issued, by which rule, and what was assumed', async () => {
    const { exit, text } = await run(question());
    expect(exit).toBe(0);
    expect(text).toContain('allowed: orders.read orders.write (minted, 600 s)');
    expect(text).toContain(`by policy/clients/nightly-report/resources/${ORDERS}`);
    expect(text).toContain('assumed: the user has allowed this client all it may ask for');
  });

  it.each<[string, object, readonly string[], string, string]>([
    [
      'a scope policy does not give the client',
      {},
      ['--scope', 'orders.delete'],
      'invalid_scope',
      `policy/clients/nightly-report/resources/${ORDERS}`,
    ],
    [
      'a scope the user has not agreed to',
      {},
      ['--scope', 'orders.write', '--held', 'orders.read'],
      'invalid_scope',
      'the grant',
    ],
    [
      'a grant type',
      { grantTypes: ['refresh_token'] },
      ['--grant-type', 'authorization_code'],
      'unauthorized_client',
      'policy/clients/nightly-report/grantTypes',
    ],
    [
      'a tenant',
      { subjects: { tenants: ['other'] } },
      [],
      'invalid_grant',
      'policy/clients/nightly-report/subjects/tenants',
    ],
    [
      'a group',
      { subjects: { groups: [GROUP] } },
      ['--group', 'x'],
      'invalid_grant',
      'policy/clients/nightly-report/subjects/groups',
    ],
    [
      'a role',
      { subjects: { roles: ['R'] } },
      ['--role', 'S'],
      'invalid_grant',
      'policy/clients/nightly-report/subjects/roles',
    ],
  ])('names the rule that refuses %s', async (_, more, args, error, decidedBy) => {
    const { exit, json } = await run(question([...args, '--policy', file(changed(more)), '--json']));
    expect(exit).toBe(1);
    expect(json()).toMatchObject({ allowed: false, error, decidedBy });
  });

  it("an unknown client, an unknown resource and another provider's are refused by their places", async () => {
    const of = async (args: readonly string[]) => (await run([...args, '--json'])).json();
    expect(
      await of(['explain', '--client', 'x', '--subject', 'aad:t:u', '--resource', ORDERS]),
    ).toMatchObject({
      error: 'invalid_client',
      decidedBy: 'policy/clients',
    });
    expect(await of(question([], 'api://gone'))).toMatchObject({
      error: 'invalid_target',
      decidedBy: 'policy/clients/nightly-report/resources',
    });
    const google = [
      'explain',
      '--client',
      NIGHTLY.id,
      '--subject',
      'google:https://a.test:u',
      '--resource',
      GRAPH,
    ];
    expect(await of(google)).toMatchObject({
      error: 'invalid_target',
      decidedBy: `policy/resources/${GRAPH}/provider`,
    });
  });

  it('is allowed for who is in one of the groups and has one of the roles', async () => {
    const path = file(changed({ subjects: { groups: [GROUP], roles: ['R'] }, limits: { perMinute: 5 } }));
    const { exit, json } = await run(
      question(['--policy', path, '--group', 'x', '--group', GROUP, '--role', 'R', '--json']),
    );
    expect(exit).toBe(0);
    expect(json()).toMatchObject({ allowed: true, limits: { perMinute: 5 } });
  });

  it('with --live asks storage: the grant, as of a time, and the connection', async () => {
    const alice = await signIn(test, 'live-alice');
    const live = (...more: string[]) =>
      run([
        'explain',
        '--client',
        NIGHTLY.id,
        '--subject',
        `aad:${TENANT}:live-alice`,
        '--resource',
        ORDERS,
        '--live',
        '--json',
        ...more,
      ]);
    expect((await live()).json()).toMatchObject({ allowed: false, decidedBy: 'the connection' });
    await grantTo(test, { scope: 'orders.read', expires_in: 3600 }, alice);
    expect((await live()).json()).toMatchObject({
      allowed: true,
      token: { scope: ['orders.read'] },
      assumed: [],
    });
    const later = new Date(test.time.now + 3_601_000).toISOString();
    expect((await live('--at', later)).json()).toMatchObject({ allowed: false, decidedBy: 'the grant' });
    await test.call('endConnection', {
      method: 'DELETE',
      headers: alice.headers,
      params: { provider: 'aad' },
    });
    expect((await live()).json()).toMatchObject({ allowed: false, decidedBy: 'the connection' });
  });

  it.each([
    [['--client', 'c', '--subject', 'aad:t:u'], /--resource is missing/],
    [['--client', 'c', '--subject', 'alice', '--resource', 'r'], /--subject must read/],
    [['--client', 'c', '--subject', 'aad:t:u', '--resource', 'r', '--at', 'noon'], /--at must be/],
    [['--client', 'c', '--subject', 'aad:t:u', '--resource', 'r', '--scope', 'a  b'], /--scope must be/],
    [
      ['--client', 'c', '--subject', 'aad:t:u', '--resource', 'r', '--policy', '/no/such'],
      /--policy names a file/,
    ],
  ])('%j is a usage fault that names the option', async (args, message) => {
    await expect(run(['explain', ...args])).rejects.toThrow(message);
  });

  const scopes = [
    undefined,
    'orders.read',
    'orders.write',
    'orders.read orders.write',
    'orders.delete',
    'Orders.Read',
  ];
  const asks = [NIGHTLY, MAIL].flatMap((client) =>
    [ORDERS, 'api://nobodys', 'api://gone'].flatMap((resource) =>
      scopes.map((scope) => ({ client, resource, scope })),
    ),
  );
  it.each([
    ['refresh_token', refreshForm],
    ['urn:ietf:params:oauth:grant-type:token-exchange', exchangeForm],
  ])('never says other than the token endpoint does for %s', async (grantType, form) => {
    const user = await signIn(test, 'twin');
    const grants = new Map([
      [NIGHTLY.id, await grantTo(test, { scope: 'orders.read orders.write' }, user)],
      [MAIL.id, await grantTo(test, { client_id: MAIL.id, scope: 'orders.read' }, user)],
    ]);
    for (const { client, resource, scope } of asks) {
      const asked = form(grants.get(client.id) ?? '', { resource, scope });
      const answer = await tokenCall(test, asked, basic(client.id, client.secret));
      const { json } = await run([
        'explain',
        ...['--client', client.id, '--subject', `aad:${TENANT}:twin`, '--resource', resource],
        ...['--grant-type', grantType, '--json'],
        ...(scope === undefined ? [] : ['--scope', scope]),
      ]);
      const { allowed, error, token } = json();
      expect([answer.status === 200, answer.body.error]).toEqual([allowed, error]);
      expect(answer.body.scope).toBe(token?.scope.join(' '));
    }
  });
});

describe('policy compare', () => {
  beforeAll(async () => {
    test.time.now += 86_400_000;
    const grantId = await grantTo(test, { scope: 'orders.read orders.write' }, await signIn(test, 'carol'));
    for (let asked = 0; asked < 3; asked++) await tokenCall(test, refreshForm(grantId));
    await tokenCall(test, refreshForm(grantId, { scope: 'orders.write' }));
    await tokenCall(test, refreshForm(grantId, { scope: 'orders.delete' }));
    await tokenCall(test, refreshForm('unknown'));
    await tokenCall(test, refreshForm(grantId), basic(NIGHTLY.id, 'wrong'));
  });

  const compare = (document: unknown, ...more: string[]) => {
    const span = [
      '--from',
      new Date(test.time.now - 3_600_000).toISOString(),
      '--to',
      new Date(test.time.now + 1).toISOString(),
    ];
    return run(['compare', file(policy), file(document), '--from-audit', ...span, ...more]);
  };

  it('with itself changes nothing, and says what could not be asked again', async () => {
    const { exit, json } = await compare(policy, '--fail-on-change', '--json');
    expect(exit).toBe(0);
    expect(json()).toMatchObject({ rows: 7, requests: 5, cut: false, changes: [] });
  });

  it('counts what would be narrowed and what would be refused, before and after', async () => {
    const narrower = changed({
      resources: { ...policy.clients[NIGHTLY.id]?.resources, [ORDERS]: ['orders.read'] },
    });
    const { exit, json } = await compare(narrower, '--json');
    expect(exit).toBe(0);
    expect(json().changes).toEqual([
      {
        client: NIGHTLY.id,
        resource: ORDERS,
        grantType: 'refresh_token',
        before: 'issued orders.read orders.write (minted, 600 s)',
        after: 'issued orders.read (minted, 600 s)',
        count: 3,
      },
      {
        client: NIGHTLY.id,
        resource: ORDERS,
        scope: 'orders.write',
        grantType: 'refresh_token',
        before: 'issued orders.write (minted, 600 s)',
        after: `refused invalid_scope by policy/clients/nightly-report/resources/${ORDERS}`,
        count: 1,
      },
    ]);
  });

  it('shows shorter lives, and whom a rule for users would shut out', async () => {
    const wider = {
      ...changed({ subjects: { groups: [GROUP] } }),
      resources: { ...policy.resources, [ORDERS]: { ...policy.resources[ORDERS], maxTokenSeconds: 60 } },
    };
    const { json } = await compare(wider, '--json');
    const afters = json().changes.map(({ after }: { after: string }) => after);
    expect(new Set(afters)).toEqual(
      new Set(['refused invalid_grant by policy/clients/nightly-report/subjects/groups']),
    );
    const shorter = { ...policy, resources: wider.resources };
    const { changes } = (await compare(shorter, '--json')).json();
    expect(changes[0]).toMatchObject({ after: 'issued orders.read orders.write (minted, 60 s)', count: 3 });
  });

  it('is bad news with --fail-on-change, and says when rows were left out', async () => {
    const gone = { ...policy, clients: { [MAIL.id]: policy.clients[MAIL.id] } };
    const { exit, text } = await compare(gone, '--fail-on-change');
    expect(exit).toBe(1);
    expect(text).toContain('refused invalid_client by policy/clients');
    expect(text).toContain('5 requests would change:');
    expect((await compare(gone, '--limit', '2')).text).toContain('older rows were left out');
  });

  it('asks storage what users are in, so that a rule shuts out only those who do not meet it', async () => {
    test.time.now += 86_400_000;
    test.entra.says.set('dora', { groups: [GROUP] });
    const inside = await grantTo(test, {}, await signIn(test, 'dora', { groups: [GROUP] }));
    const outside = await grantTo(test, {}, await signIn(test, 'eric'));
    for (const grantId of [inside, inside, outside]) await tokenCall(test, refreshForm(grantId));
    const { json } = await compare(changed({ subjects: { groups: [GROUP] } }), '--json');
    expect(json()).toMatchObject({ requests: 3, changes: [{ count: 1 }] });
  });

  it('needs --from-audit and a span that is one', async () => {
    await expect(run(['compare', file(policy), file(policy)])).rejects.toThrow(/--from-audit is missing/);
    await expect(compare(policy, '--from', '2030-01-01')).rejects.toThrow(/--from must be before/);
    await expect(compare(policy, '--limit', '0')).rejects.toThrow(/--limit/);
    await expect(run(['compare', file(policy), '--from-audit'])).rejects.toThrow(/NEW is missing/);
  });
});

describe('policy hash-secret', () => {
  const matches = async (secret: string, text: string) => {
    const hash = parseSecretHash(text);
    return hash !== undefined && matchesHash(secret, hash);
  };

  it('hashes the secret on standard input, without the line break', async () => {
    const { exit, text } = await run(['hash-secret'], 'a secret long enough\r\n');
    expect(exit).toBe(0);
    expect(await matches('a secret long enough', text)).toBe(true);
    expect(text).not.toContain('a secret');
  });

  it('makes a new one with --new, and shows it once beside its hash', async () => {
    const { json } = await run(['hash-secret', '--new', '--json']);
    const { secret, hash } = json();
    expect(secret).toMatch(/^[\w-]{43}$/);
    expect(await matches(secret, hash)).toBe(true);
  });

  it('refuses a short one, and one in the arguments, without quoting it', async () => {
    await expect(run(['hash-secret'], 'canary')).rejects.toThrow(/^the secret on standard input must have/);
    await expect(run(['hash-secret', 'canary canary canary'])).rejects.toThrow(/^the secret is read from/);
  });
});
