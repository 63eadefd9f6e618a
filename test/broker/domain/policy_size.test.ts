import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { outcomeOf } from '../../../shared/commands/policy/outcome.js';
import { ConfigRefused } from '../../../shared/config.js';
import { repeatedMembers } from '../../../shared/policy/repeated_members.js';
import { readRules } from '../../../shared/policy.js';

const RULES = 10_000;
const HASH = `scrypt$16384$8$1$${'s'.repeat(22)}$${'h'.repeat(43)}`;

function document(clients: number) {
  const resources: Record<string, unknown> = {};
  for (let n = 0; n < 100; n++) resources[`api://r${n}`] = { narrowing: 'minted', scopes: ['a', 'b'] };
  const entries = Array.from({ length: clients }, (_, n): [string, object] => [
    `client-${n}`,
    {
      auth: { secretHashes: [HASH] },
      resources: { [`api://r${n % 100}`]: ['a'] },
      subjects: { groups: [`g${n}`] },
      actors: [`client-${(n + 1) % clients}`],
    },
  ]);
  return { version: 1, resources, clients: Object.fromEntries(entries) };
}

function problemsOf(text: string): readonly string[] {
  try {
    readRules(text);
  } catch (error) {
    if (error instanceof ConfigRefused) return error.problems;
    throw error;
  }
  return [];
}

/** A map that can be asked for one value, and never walked through. */
function unwalkable<V>(map: ReadonlyMap<string, V>): ReadonlyMap<string, V> {
  const walked = () => {
    throw new Error('the policy was walked through');
  };
  return Object.assign(new Map(map), {
    forEach: walked,
    keys: walked,
    values: walked,
    entries: walked,
    [Symbol.iterator]: walked,
  });
}

describe('a large policy', () => {
  it('of ten thousand clients loads, and a decision looks up what it needs and walks through nothing', async () => {
    const policy = readRules(JSON.stringify(document(RULES)));
    expect(policy.clients.size).toBe(RULES);
    const closed = {
      ...policy,
      clients: unwalkable(policy.clients),
      resources: unwalkable(policy.resources),
    };
    const subject = { provider: 'aad', tenant: 't', id: 'u' };
    for (const n of [0, RULES - 1]) {
      const resource = `api://r${n % 100}`;
      const outcome = await outcomeOf(closed, {
        clientId: `client-${n}`,
        grantType: 'refresh_token',
        resource,
        scope: undefined,
        held: { subject, resource, scope: ['a', 'b'], expiresAt: 1e15, grantId: 'g' },
        membership: { groups: [`g${n}`] },
        at: 0,
      });
      expect(outcome).toMatchObject({ allowed: true, token: { scope: ['a'] } });
    }
  });

  it('with ten thousand problems says the first, and how many more there are', () => {
    const wrong = document(RULES);
    for (const client of Object.values(wrong.clients)) Object.assign(client, { serves: ['api://gone'] });
    const problems = problemsOf(JSON.stringify(wrong));
    expect(problems).toHaveLength(201);
    expect(problems.at(-1)).toBe(`policy: and ${RULES - 200} problems more`);
  });

  it('over eight MiB is refused before it is read', () => {
    expect(problemsOf(`{"x":"${'x'.repeat(8 * 1024 * 1024)}"`)).toEqual([
      'policy: is larger than 8388608 bytes',
    ]);
  });

  it('nested without end is refused, not a fault', () => {
    expect(problemsOf('['.repeat(200_000))).toEqual(['policy: is not valid JSON']);
    expect(problemsOf(`${'['.repeat(50_000)}${']'.repeat(50_000)}`).length).toBeGreaterThan(0);
  });

  it.each([
    ['revision', (long: string) => ({ revision: `${long}\n` })],
    ['a client id', (long: string) => ({ clients: { [`${long}!`]: {} } })],
    [
      'a scope',
      (long: string) => ({ resources: { 'api://a': { narrowing: 'minted', scopes: [`${long} `] } } }),
    ],
    [
      'a setting',
      (long: string) => ({ clients: { c: { auth: { secretSetting: `${long}-` }, resources: {} } } }),
    ],
    [
      'a hash',
      (long: string) => ({ clients: { c: { auth: { secretHashes: [`scrypt$${long}`] }, resources: {} } } }),
    ],
  ])('no pattern takes long over a long text that nearly fits: %s', (_, make) => {
    const text = JSON.stringify({ resources: {}, clients: {}, ...make('a'.repeat(1_000_000)) });
    expect(problemsOf(text).length).toBeGreaterThan(0);
  });
});

describe('a member that is given twice', () => {
  it('is refused by its place: the last would win in silence', () => {
    const client = '{"auth":{"secretSetting":"S"},"resources":{}}';
    const text = `{"version":1,"resources":{},"clients":{"c":${client},"d":${client},"\\u0063":${client}},"version":1}`;
    expect(problemsOf(text)).toEqual([
      'policy/clients/c: is given more than once',
      'policy/version: is given more than once',
    ]);
  });

  it('is found wherever it stands, and nowhere else', () => {
    const names = fc.string({ unit: fc.constantFrom('a', '"', '\\', '{', ':', ',', '[') });
    fc.assert(
      fc.property(fc.jsonValue(), names, (value, name) => {
        const key = JSON.stringify(name);
        expect(repeatedMembers(JSON.stringify(value))).toEqual([]);
        const twice = `[{"b":[{${key}:${JSON.stringify(value)},${key}:1}]}]`;
        expect(repeatedMembers(twice)).toHaveLength(1);
      }),
    );
  });
});
