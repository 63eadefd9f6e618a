import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createVault, type KeyWrapper } from '../../../shared/adapters/vault/envelope.js';
import { createKeyVault, type OpenKey } from '../../../shared/adapters/vault/key_vault.js';
import { Unreadable } from '../../../shared/domain/errors.js';
import type { SealContext } from '../../../shared/domain/seal_context.js';
import { accessTokenSeal, refreshTokenSeal } from '../../../shared/domain/seal_context.js';
import { hostileText } from '../support/arbitraries.js';
import { fakeKeyVault } from '../support/fake_key_vault.js';
import { refusalOf } from '../support/refusals.js';

const VAULT = 'https://vault.test';
const KEY = `${VAULT}/keys/broker`;
const context: SealContext = {
  table: 'connections',
  subject: 'alice',
  provider: 'aad',
  generation: 3,
  purpose: 'refresh_token e1',
};

/** Wraps by adding one to each byte: what is tested here is the envelope. */
const plainKeys: KeyWrapper = {
  wrap: async (dataKey) => ({ keyId: 'k1', wrapped: Buffer.from(dataKey.map((byte) => byte ^ 0x5a)) }),
  unwrap: async (_, wrapped) => Buffer.from(wrapped.map((byte) => byte ^ 0x5a)),
};
const vault = createVault(plainKeys);
const contexts: fc.Arbitrary<SealContext> = fc.record({
  table: hostileText,
  subject: hostileText,
  provider: hostileText,
  generation: fc.nat(5),
  purpose: hostileText,
});

describe('a sealed value', () => {
  it('opens under its own context, whatever the text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'grapheme' }), contexts, async (text, under) => {
        expect(await vault.open(await vault.seal(text, under), under)).toBe(text);
      }),
    );
  });

  it('does not open when any part of the context is another', async () => {
    const sealed = await vault.seal('secret', context);
    const others: Partial<SealContext>[] = [
      { table: 'grants' },
      { subject: 'bob' },
      { provider: 'google' },
      { generation: 4 },
      { purpose: 'refresh_token e2' },
      { purpose: 'access_token e1' },
    ];
    for (const other of others) {
      await expect(vault.open(sealed, { ...context, ...other })).rejects.toThrow(Unreadable);
    }
  });

  it('two different contexts never open each other, however their parts are cut', async () => {
    await fc.assert(
      fc.asyncProperty(contexts, contexts, async (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b));
        await expect(vault.open(await vault.seal('secret', a), b)).rejects.toThrow(Unreadable);
      }),
    );
    const sealed = await vault.seal('secret', { ...context, subject: 'ab', provider: 'c' });
    const moved = { ...context, subject: 'a', provider: 'bc' };
    await expect(vault.open(sealed, moved)).rejects.toThrow(Unreadable);
  });

  it('does not open when any character of it is another', async () => {
    const sealed = await vault.seal('a secret of some length', context);
    const alphabet = fc.constantFrom(...'AQgwZz019-_.=+/ \n');
    await fc.assert(
      fc.asyncProperty(fc.nat(sealed.length - 1), alphabet, async (at, character) => {
        fc.pre(sealed[at] !== character);
        const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
        await expect(vault.open(changed, context)).rejects.toThrow(Unreadable);
      }),
      { numRuns: 400 },
    );
  });

  it('does not open when any character is missing or added', async () => {
    const sealed = await vault.seal('secret', context);
    for (let at = 0; at < sealed.length; at++) {
      const [before, after] = [sealed.slice(0, at), sealed.slice(at)];
      await expect(vault.open(before + after.slice(1), context)).rejects.toThrow(Unreadable);
      await expect(vault.open(`${before}A${after}`, context)).rejects.toThrow(Unreadable);
    }
  });

  it('is never taken for plaintext: what was not sealed is an error', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(hostileText, fc.constantFrom('s1.a.b.c', 's1..b.c', 's2.a.b.c')),
        async (text) => {
          await expect(vault.open(text, context)).rejects.toThrow(Unreadable);
        },
      ),
    );
  });

  it('differs each time, and does not hold what it hides', async () => {
    const [one, two] = [await vault.seal('canary', context), await vault.seal('canary', context)];
    expect(one).not.toBe(two);
    expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain('canary');
  });

  it('an error names neither the value nor the enrolment or resource it was bound to', async () => {
    const owner = {
      subject: { provider: 'aad', tenant: 't', id: 'alice' },
      enrolment: 'canary-e',
      generation: 1,
    };
    const seal = accessTokenSeal(owner, { resource: 'https://canary.test', scope: ['canary'] });
    const sealed = await vault.seal('canary', seal);
    const error = await vault.open(sealed, { ...seal, generation: 2 }).catch(String);
    expect(error).toContain('access_token');
    expect(error).not.toContain('canary');
  });

  it('of a connection is bound to user, enrolment, generation and kind', () => {
    const owner = { subject: { provider: 'aad', tenant: 't', id: 'alice' }, enrolment: 'e', generation: 1 };
    const seals = [
      refreshTokenSeal(owner),
      refreshTokenSeal({ ...owner, generation: 2 }),
      refreshTokenSeal({ ...owner, enrolment: 'f' }),
      refreshTokenSeal({ ...owner, subject: { ...owner.subject, id: 'bob' } }),
      accessTokenSeal(owner, { scope: [] }),
      accessTokenSeal(owner, { resource: 'api://a', scope: ['b'] }),
      accessTokenSeal(owner, { resource: 'api://a', scope: ['b', 'c'] }),
    ].map((seal) => JSON.stringify(seal));
    expect(new Set(seals).size).toBe(seals.length);
  });
});

describe('a key in Key Vault', () => {
  it('opens what it has wrapped, and names the version in the value', async () => {
    const { openKey } = fakeKeyVault(KEY);
    const keyVault = createVault(createKeyVault(KEY, openKey));
    const sealed = await keyVault.seal('secret', context);
    expect(Buffer.from(sealed.split('.')[1] ?? '', 'base64url').toString()).toBe(`${KEY}/v1`);
    expect(await keyVault.open(sealed, context)).toBe('secret');
  });

  it('goes on opening what an earlier version wrapped', async () => {
    const vaultOfKeys = fakeKeyVault(KEY);
    const keyVault = createVault(createKeyVault(KEY, vaultOfKeys.openKey));
    const old = await keyVault.seal('old', context);
    vaultOfKeys.rotate();
    const young = await keyVault.seal('young', context);
    expect(young.split('.')[1]).not.toBe(old.split('.')[1]);
    expect(await keyVault.open(old, context)).toBe('old');
    expect(await keyVault.open(young, context)).toBe('young');
  });

  it.each([
    'https://evil.test/keys/broker/v1',
    'https://vault.test.evil.test/keys/k/v1',
    'http://vault.test/keys/k',
    'x',
  ])('a value that names a key of another vault (%s) is refused without asking there', async (keyId) => {
    const asked: string[] = [];
    const openKey: OpenKey = async (id) => {
      asked.push(id);
      throw new Error('asked');
    };
    await expect(createKeyVault(KEY, openKey).unwrap(keyId, Buffer.alloc(8))).rejects.toThrow(Unreadable);
    expect(asked).toEqual([]);
  });

  it('a wrapped key the vault does not take is unreadable', async () => {
    const { openKey } = fakeKeyVault(KEY);
    await expect(createKeyVault(KEY, openKey).unwrap(`${KEY}/v1`, Buffer.alloc(9))).rejects.toThrow(
      Unreadable,
    );
    await expect(createKeyVault(KEY, openKey).unwrap(`${KEY}/v9`, Buffer.alloc(9))).rejects.toThrow(
      Unreadable,
    );
  });

  it('a vault that cannot be reached is 503, and is asked again', async () => {
    const vaultOfKeys = fakeKeyVault(KEY);
    const keyVault = createVault(createKeyVault(KEY, vaultOfKeys.openKey));
    const sealed = await keyVault.seal('secret', context);
    for (const status of [undefined, 403, 429, 500]) {
      vaultOfKeys.failWith(status);
      expect((await refusalOf(() => keyVault.open(sealed, context))).code).toBe('temporarily_unavailable');
      expect((await refusalOf(() => keyVault.seal('x', context))).code).toBe('temporarily_unavailable');
      await expect(keyVault.check()).rejects.toThrow();
    }
    vaultOfKeys.work();
    expect(await keyVault.open(sealed, context)).toBe('secret');
    await keyVault.check();
  });
});
