import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { ConfigRefused, type Environment } from '../../../shared/config.js';
import { digestOf } from '../../../shared/domain/client_secret.js';
import { type Policy, readPolicy } from '../../../shared/policy.js';
import schema from '../../../shared/policy.schema.json' with { type: 'json' };

const GRAPH = 'https://graph.microsoft.test';
const APP = '33333333-3333-4333-8333-333333333333';
const env: Environment = { CLIENT_SECRET: 'a secret long enough', OTHER_SECRET: 'another one, long too' };

/** The example of the design document, with an app id where it has dots. */
function example() {
  return {
    resources: {
      'api://orders': { narrowing: 'minted', scopes: ['orders.read', 'orders.write'], maxTokenSeconds: 600 },
      [GRAPH]: {
        narrowing: 'provider',
        provider: 'aad',
        scopes: ['User.Read', 'Mail.Read'],
        allowWider: false,
      },
    },
    clients: {
      'nightly-report': {
        name: 'Nightly report',
        auth: { secretSetting: 'CLIENT_SECRET', entraAppId: APP },
        resources: { 'api://orders': ['orders.read'] },
        maxGrantDays: 90,
      },
    },
  };
}

type Json = { [name: string]: Json } | Json[] | string | number | boolean | null;

/** The example with one member replaced (or, undefined, removed) at a path. */
function changed(path: readonly string[], value: Json | undefined): string {
  const document: Json = JSON.parse(JSON.stringify(example()));
  let place: Json = document;
  for (const name of path.slice(0, -1)) {
    if (typeof place !== 'object' || place === null || Array.isArray(place)) throw new Error(`no ${name}`);
    const next: Json | undefined = place[name];
    if (next === undefined) throw new Error(`no ${name}`);
    place = next;
  }
  const last = path.at(-1) ?? '';
  if (typeof place !== 'object' || place === null || Array.isArray(place)) throw new Error('no such place');
  if (value === undefined) delete place[last];
  else Object.defineProperty(place, last, { value, enumerable: true, configurable: true });
  return JSON.stringify(document);
}

function problemsOf(text: string, settings = env): readonly string[] {
  try {
    readPolicy(text, settings);
  } catch (error) {
    if (error instanceof ConfigRefused) return error.problems;
    throw error;
  }
  return [];
}

const read = (text: string): Policy => readPolicy(text, env);
const RESOURCE = ['resources', 'api://orders'];
const CLIENT = ['clients', 'nightly-report'];

describe('a policy document', () => {
  it("of the design's example form is accepted, by the published schema too", () => {
    expect(new Ajv().validate(schema, example())).toBe(true);
    const policy = read(JSON.stringify(example()));
    expect(policy.resources.get(GRAPH)).toEqual({
      narrowing: 'provider',
      provider: 'aad',
      scope: ['Mail.Read', 'User.Read'],
      allowWider: false,
    });
    expect(policy.clients.get('nightly-report')).toMatchObject({
      clientId: 'nightly-report',
      name: 'Nightly report',
      secrets: [digestOf('a secret long enough')],
      entraAppId: APP,
      resources: new Map([['api://orders', ['orders.read']]]),
      maxGrantSeconds: 90 * 86_400,
    });
  });

  it('in this repository is accepted', () => {
    const text = readFileSync(new URL('../../../policy.json', import.meta.url), 'utf8');
    const secrets = {
      CLIENT_NIGHTLY_REPORT_SECRET: 'x'.repeat(16),
      CLIENT_MAIL_AGENT_SECRET: 'y'.repeat(16),
    };
    expect(problemsOf(text, secrets)).toEqual([]);
  });

  it('denies what it does not say: no wider tokens, ten minutes, ninety days', () => {
    const text = changed([...RESOURCE, 'maxTokenSeconds'], undefined);
    expect(read(text).resources.get('api://orders')).toMatchObject({ maxTokenSeconds: 600 });
    const silent = changed(['resources', GRAPH, 'allowWider'], undefined);
    expect(read(silent).resources.get(GRAPH)).toMatchObject({ allowWider: false });
    const days = changed([...CLIENT, 'maxGrantDays'], undefined);
    expect(read(days).clients.get('nightly-report')?.maxGrantSeconds).toBe(90 * 86_400);
  });

  it('knows nothing by inherited names', () => {
    const policy = read(JSON.stringify(example()));
    for (const name of ['constructor', '__proto__', 'toString']) {
      expect(policy.resources.get(name)).toBeUndefined();
      expect(policy.clients.get(name)).toBeUndefined();
    }
  });

  it.each<[string, readonly string[], Json | undefined]>([
    ['an unknown member at the top', ['extra'], 1],
    ['another version', ['version'], 2],
    ['a version that is a text', ['version'], '1'],
    ['a revision that is empty', ['revision'], ''],
    ['a revision with a line break', ['revision'], 'a\nb'],
    ['a revision that is too long', ['revision'], 'r'.repeat(101)],
    ['a rule for subjects that says nothing', [...CLIENT, 'subjects'], {}],
    ['an empty list of groups', [...CLIENT, 'subjects'], { groups: [] }],
    ['a rule for subjects by e-mail', [...CLIENT, 'subjects'], { emails: ['a@b'] }],
    ['limits of nothing', [...CLIENT, 'limits'], {}],
    ['a limit of no tokens', [...CLIENT, 'limits'], { perMinute: 0 }],
    ['a limit of a fraction', [...CLIENT, 'limits'], { perDay: 1.5 }],
    ['an unknown limit', [...CLIENT, 'limits'], { perHour: 5 }],
    [
      'a limit of an unknown grant type',
      [...CLIENT, 'limits'],
      { grantTypes: { password: { perMinute: 1 } } },
    ],
    [
      'a limit of authorization codes',
      [...CLIENT, 'limits'],
      { grantTypes: { authorization_code: { perDay: 1 } } },
    ],
    ['no resources', ['resources'], undefined],
    ['no clients', ['clients'], undefined],
    ['resources that are a list', ['resources'], []],
    ['an unknown narrowing', [...RESOURCE, 'narrowing'], 'none'],
    ['no narrowing', [...RESOURCE, 'narrowing'], undefined],
    ['no scopes', [...RESOURCE, 'scopes'], undefined],
    ['an empty list of scopes', [...RESOURCE, 'scopes'], []],
    ['a scope twice', [...RESOURCE, 'scopes'], ['orders.read', 'orders.read']],
    ['a scope with a space', [...RESOURCE, 'scopes'], ['orders.read orders.write']],
    ['a scope with a quote', [...RESOURCE, 'scopes'], ['orders"read']],
    ['a token life over an hour', [...RESOURCE, 'maxTokenSeconds'], 3601],
    ['a token life of a fraction', [...RESOURCE, 'maxTokenSeconds'], 60.5],
    ["the other kind's member on a minted resource", [...RESOURCE, 'allowWider'], true],
    ['a provider on a minted resource', [...RESOURCE, 'provider'], 'aad'],
    ["the other kind's member on a provider's resource", ['resources', GRAPH, 'maxTokenSeconds'], 60],
    ["a provider's resource without its provider", ['resources', GRAPH, 'provider'], undefined],
    ['a provider whose name can be none', ['resources', GRAPH, 'provider'], 'no-body'],
    ['a client id with a space', ['clients', 'nightly report'], example().clients['nightly-report']],
    ['a client without a way to authenticate', [...CLIENT, 'auth'], {}],
    ['a secret in the policy itself', [...CLIENT, 'auth', 'secret'], 'a secret long enough'],
    ['a hash of another kind', [...CLIENT, 'auth', 'secretHashes'], ['sha256$x']],
    ['three secrets at once', [...CLIENT, 'auth', 'secretSetting'], ['A', 'B', 'C']],
    ['no secret setting in a list', [...CLIENT, 'auth', 'secretSetting'], []],
    ['a setting name that is none', [...CLIENT, 'auth', 'secretSetting'], 'A-B'],
    ['an app id that is no GUID', [...CLIENT, 'auth', 'entraAppId'], 'my app'],
    ['an unknown member of a client', [...CLIENT, 'admin'], true],
    ['a grant of no days', [...CLIENT, 'maxGrantDays'], 0],
    ['a grant of more than ten years', [...CLIENT, 'maxGrantDays'], 3651],
    ['a redirect URI given twice', [...CLIENT, 'redirectUris'], ['https://a.test/cb', 'https://a.test/cb']],
    ['a grant type the broker does not have', [...CLIENT, 'grantTypes'], ['password']],
    ['an empty list of grant types', [...CLIENT, 'grantTypes'], []],
    ['a resource of a client that is null', [...CLIENT, 'resources', 'api://orders'], null],
  ])('is refused for %s, by the published schema', (_, path, value) => {
    const text = changed(path, value);
    expect(new Ajv({ allErrors: true }).validate(schema, JSON.parse(text))).toBe(false);
    expect(problemsOf(text).length).toBeGreaterThan(0);
  });

  it.each<[string, readonly string[], Json]>([
    ['a relative resource', ['resources', 'orders'], example().resources['api://orders']],
    ['a resource with a fragment', ['resources', 'api://x#y'], example().resources['api://orders']],
    ["a client's resource that is not among the resources", [...CLIENT, 'resources', 'api://gone'], ['x']],
    ["a client's resource by an inherited name", [...CLIENT, 'resources', 'constructor'], ['x']],
    ["a client's resource named __proto__", [...CLIENT, 'resources', '__proto__'], ['x']],
    ['a scope the resource does not have', [...CLIENT, 'resources', 'api://orders'], ['orders.delete']],
    ['a redirect URI with a fragment', [...CLIENT, 'redirectUris'], ['https://a.test/cb#x']],
    ['a redirect URI over plain http', [...CLIENT, 'redirectUris'], ['http://a.test/cb']],
    ['a redirect URI that is a script', [...CLIENT, 'redirectUris'], ['javascript:alert(1)//']],
    ['a relative redirect URI', [...CLIENT, 'redirectUris'], ['/cb']],
    ['a secret setting by an inherited name', [...CLIENT, 'auth', 'secretSetting'], 'constructor'],
  ])('is refused for %s', (_, path, value) => {
    expect(problemsOf(changed(path, value))).toHaveLength(1);
  });

  it('is refused for an app id two clients claim, in whatever case', () => {
    const letters = 'abcdefab-cdef-4abc-8def-abcdefabcdef';
    const other = { ...example().clients['nightly-report'], auth: { entraAppId: letters.toUpperCase() } };
    const document = example();
    document.clients['nightly-report'].auth.entraAppId = letters;
    const text = JSON.stringify({ ...document, clients: { ...document.clients, other } });
    expect(problemsOf(text)).toEqual(['policy/clients/other/auth/entraAppId: is that of nightly-report too']);
  });

  it('is refused for a secret that is missing or short, by the name of its setting and never by its value', () => {
    const text = JSON.stringify(example());
    expect(problemsOf(text, {})).toEqual([
      'policy/clients/nightly-report/auth/secretSetting: the setting CLIENT_SECRET is missing',
    ]);
    const [problem = ''] = problemsOf(text, { CLIENT_SECRET: 'canary' });
    expect(problem).toContain('CLIENT_SECRET');
    expect(problem).not.toContain('canary');
  });

  const HASH = `scrypt$16384$8$1$${'s'.repeat(22)}$${'h'.repeat(43)}`;
  it('takes secrets as hashes, in the document or in a setting, and two of each', () => {
    const auth = { secretSetting: ['CLIENT_SECRET', 'OTHER_SECRET'], secretHashes: [HASH, `${HASH}h`] };
    const settings = { CLIENT_SECRET: HASH, OTHER_SECRET: 'another one, long too' };
    const client = readPolicy(changed([...CLIENT, 'auth'], auth), settings).clients.get('nightly-report');
    expect(client?.secrets.map(({ kind }) => kind)).toEqual(['scrypt', 'digest', 'scrypt', 'scrypt']);
  });

  it.each([
    ['too few rounds', HASH.replace('16384', '8192')],
    ['more memory than one guess may take', HASH.replace('16384$8', '131072$16')],
    ['a number of rounds that is no power of two', HASH.replace('16384', '16385')],
    ['blocks too small', HASH.replace('$8$1', '$4$1')],
    ['too many passes', HASH.replace('$8$1', '$8$5')],
    ['no pass at all', HASH.replace('$8$1', '$8$0')],
  ])('refuses a hash with %s, in the document and in a setting, and quotes neither', (_, hash) => {
    const inDocument = problemsOf(changed([...CLIENT, 'auth'], { secretHashes: [hash] }));
    expect(inDocument).toEqual([
      expect.stringMatching(
        /^policy\/clients\/nightly-report\/auth\/secretHashes\/0: (is not scrypt|must match)/,
      ),
    ]);
    const inSetting = problemsOf(JSON.stringify(example()), { CLIENT_SECRET: hash });
    expect(inSetting).toEqual([
      expect.stringMatching(/secretSetting: the setting CLIENT_SECRET is not scrypt/),
    ]);
    expect([...inDocument, ...inSetting].join()).not.toContain('hhhh');
  });

  it('lists every problem at once', () => {
    const document = example();
    document.clients['nightly-report'].resources['api://orders'] = ['nothing', 'such'];
    expect(problemsOf(JSON.stringify(document), {})).toHaveLength(3);
  });

  it('of another version is refused for that alone: what else is wrong with it says nothing', () => {
    const text = JSON.stringify({ version: 2, resources: [], more: 1 });
    expect(problemsOf(text)).toEqual(['policy/version: must be 1, the one form that this broker reads']);
  });

  it('without a version is of version 1, and a revision is kept', () => {
    expect(problemsOf(changed(['version'], undefined))).toEqual([]);
    expect(read(JSON.stringify(example())).revision).toBeUndefined();
    expect(read(changed(['revision'], '2026-11 b')).revision).toBe('2026-11 b');
  });

  it('has limits where it says so, member by member', () => {
    const limits = { perDay: 9, grantTypes: { refresh_token: { perMinute: 2 } } };
    const client = read(changed([...CLIENT, 'limits'], limits)).clients.get('nightly-report');
    expect(client?.limits).toEqual({ perDay: 9, grantTypes: new Map([['refresh_token', { perMinute: 2 }]]) });
    expect(read(JSON.stringify(example())).clients.get('nightly-report')?.limits).toBeUndefined();
  });

  it.each(['', '{', 'null', '[]', '"x"', '5'])('%j is refused', (text) => {
    expect(problemsOf(text)).toHaveLength(1);
  });

  it('is known by its hash: another document is another hash', () => {
    const one = read(JSON.stringify(example()));
    expect(read(JSON.stringify(example())).hash).toBe(one.hash);
    expect(read(changed([...RESOURCE, 'maxTokenSeconds'], 60)).hash).not.toBe(one.hash);
  });
});
