import { describe, expect, it } from 'vitest';
import { createClientSecrets } from '../../../shared/adapters/client_secrets.js';
import { systemRandom } from '../../../shared/adapters/system.js';
import {
  type ClientSecret,
  digestOf,
  formatSecretHash,
  hashSecret,
  matchesHash,
  parseSecretHash,
  type SecretHash,
} from '../../../shared/domain/client_secret.js';

const cheap = (hash: string): SecretHash => ({
  kind: 'scrypt',
  cost: { N: 16_384, r: 8, p: 1 },
  salt: Buffer.alloc(16),
  hash: Buffer.from(hash),
});

/** Secrets whose hashes are counted instead of worked out: one matches the text it holds. */
function counted(clients: Readonly<Record<string, readonly ClientSecret[]>>) {
  const worked: string[] = [];
  let running = 0;
  let most = 0;
  let held: Promise<void> = Promise.resolve();
  let release = () => {};
  const secrets = createClientSecrets({
    clients: new Map(Object.entries(clients).map(([id, list]) => [id, { secrets: list }])),
    random: systemRandom,
    check: async (secret, hash) => {
      running += 1;
      most = Math.max(most, running);
      worked.push(secret);
      await held;
      running -= 1;
      return Buffer.from(hash.hash).toString() === secret;
    },
  });
  return {
    matches: secrets.matches,
    worked,
    most: () => most,
    hold: () => {
      held = new Promise((resolve) => {
        release = resolve;
      });
    },
    release: () => release(),
  };
}

describe('a secret hash', () => {
  it('is read back as it was written, and matches its secret alone', async () => {
    const hash = await hashSecret('the secret of a client', systemRandom.bytes(16));
    const text = formatSecretHash(hash);
    expect(text).toMatch(/^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}$/);
    const read = parseSecretHash(text);
    if (!read) throw new Error('unreadable');
    expect(await matchesHash('the secret of a client', read)).toBe(true);
    expect(await matchesHash('the secret of a clienT', read)).toBe(false);
  });

  it('of the same secret is another one with another salt', async () => {
    const texts = [1, 2].map(async () => formatSecretHash(await hashSecret('same', systemRandom.bytes(16))));
    expect(new Set(await Promise.all(texts)).size).toBe(2);
  });
});

describe('secrets of clients', () => {
  it('any of a client is right, of whichever kind: two may overlap', async () => {
    const { matches } = counted({
      c: [digestOf('old'), cheap('hashed'), digestOf('new'), cheap('hashed too')],
    });
    for (const secret of ['old', 'new', 'hashed', 'hashed too'])
      expect(await matches('c', secret)).toBe(true);
    expect(await matches('c', 'other')).toBe(false);
  });

  it("another client's secret is wrong, however often it was right for its own", async () => {
    const { matches } = counted({ c: [cheap('c secret')], d: [cheap('d secret')] });
    expect(await matches('c', 'c secret')).toBe(true);
    expect(await matches('d', 'c secret')).toBe(false);
    // Joined without their lengths the two would be the same text.
    expect(await matches('cc', ' secret')).toBe(false);
  });

  it('a hash is worked out once for what is right and once for what is wrong', async () => {
    const { matches, worked } = counted({ c: [cheap('right')] });
    for (let asked = 0; asked < 5; asked++) {
      expect(await matches('c', 'right')).toBe(true);
      expect(await matches('c', 'wrong')).toBe(false);
    }
    expect(worked).toEqual(['right', 'wrong']);
  });

  it('and once for many who ask at the same time', async () => {
    const { matches, worked } = counted({ c: [cheap('right')] });
    const asked = await Promise.all(Array.from({ length: 50 }, () => matches('c', 'right')));
    expect(new Set(asked)).toEqual(new Set([true]));
    expect(worked).toEqual(['right']);
  });

  it('what is wrong takes the same work for every id: known, without a hash, without a secret, unknown', async () => {
    const { matches, worked } = counted({
      two: [cheap('a'), cheap('b')],
      one: [cheap('c')],
      plain: [digestOf('d')],
      none: [],
    });
    for (const id of ['two', 'one', 'plain', 'none', 'unknown', '__proto__']) {
      worked.length = 0;
      expect(await matches(id, 'wrong')).toBe(false);
      expect(worked).toEqual(['wrong', 'wrong']);
    }
  });

  it('no hash in policy, no work: nothing tells the ids apart then either', async () => {
    const { matches, worked } = counted({ plain: [digestOf('d')] });
    expect(await matches('plain', 'wrong')).toBe(false);
    expect(await matches('unknown', 'wrong')).toBe(false);
    expect(worked).toEqual([]);
  });

  it('a flood of guesses is bounded: few at once, few waiting for one id, and the rest is told to come back', async () => {
    const { matches, hold, release, most } = counted({ c: [cheap('right')], d: [cheap('d right')] });
    expect(await matches('c', 'right')).toBe(true);
    hold();
    const guesses = Array.from({ length: 40 }, (_, n) => matches('c', `guess ${n}`).catch((error) => error));
    const other = matches('d', 'd right');
    // What was right before needs no work, so the flood is not in its way.
    expect(await matches('c', 'right')).toBe(true);
    release();
    const answers = await Promise.all(guesses);
    const refused = answers.filter((answer) => answer !== false);
    expect(refused.length).toBeGreaterThanOrEqual(30);
    for (const refusal of refused) {
      expect(refusal).toMatchObject({ code: 'rate_limited', status: 429, headers: { 'Retry-After': '1' } });
    }
    expect(await other).toBe(true);
    expect(most()).toBeLessThanOrEqual(2);
  });

  it('nor can many ids together make it more than so much', async () => {
    const { matches, hold, release } = counted({ c: [cheap('right')] });
    hold();
    const guesses = Array.from({ length: 300 }, (_, n) => matches(`id ${n}`, 'x').catch((error) => error));
    release();
    const answers = await Promise.all(guesses);
    expect(answers.filter((answer) => answer === false).length).toBeLessThanOrEqual(66);
  });
});
