import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createVault, type KeyWrapper } from '../../../shared/adapters/vault/envelope.js';
import { createWorkingKeys, WORKING_KEY_MS } from '../../../shared/adapters/vault/working_keys.js';
import { Unreadable, unavailable } from '../../../shared/domain/errors.js';
import type { SealContext } from '../../../shared/domain/seal_context.js';
import { NOW } from '../support/samples.js';

const context: SealContext = {
  table: 'connections',
  subject: 'alice',
  provider: 'aad',
  generation: 3,
  purpose: 'refresh_token e1',
};

/** A vault key that counts, and can be withdrawn. */
function countedKey() {
  const counts = { wraps: 0, unwraps: 0 };
  let withdrawn = false;
  const flip = (bytes: Buffer) => Buffer.from(bytes.map((byte) => byte ^ 0x5a));
  const assertThere = () => {
    if (withdrawn) throw unavailable('the key vault is not available', 5);
  };
  const keys: KeyWrapper = {
    async wrap(key) {
      counts.wraps++;
      assertThere();
      return { keyId: 'https://vault.test/keys/broker/v1', wrapped: flip(key) };
    },
    async unwrap(_, wrapped) {
      counts.unwraps++;
      assertThere();
      return flip(wrapped);
    },
  };
  const set = (value: boolean) => () => {
    withdrawn = value;
  };
  return { keys, counts, withdraw: set(true), restore: set(false) };
}

function instance(keys: KeyWrapper, time: { now: number }) {
  const wrapper = createWorkingKeys(keys, () => time.now);
  return { wrapper, vault: createVault(wrapper) };
}

describe('working keys between the vault key and the data keys', () => {
  it('the vault key is asked once for many values, sealed or opened', async () => {
    const { keys, counts } = countedKey();
    const time = { now: NOW };
    const { vault } = instance(keys, time);
    const sealed = await Promise.all(
      Array.from({ length: 50 }, (_, at) => vault.seal(`text ${at}`, context)),
    );
    expect(counts).toEqual({ wraps: 1, unwraps: 0 });
    const texts = await Promise.all(sealed.map((value) => vault.open(value, context)));
    expect(texts[49]).toBe('text 49');
    expect(counts).toEqual({ wraps: 1, unwraps: 1 });
    expect(new Set(sealed).size).toBe(50);
  });

  it('what one instance sealed another opens', async () => {
    const { keys } = countedKey();
    const time = { now: NOW };
    const sealed = await instance(keys, time).vault.seal('secret', context);
    expect(await instance(keys, time).vault.open(sealed, context)).toBe('secret');
  });

  it('each value has a data key of its own: one that is let out opens no other', async () => {
    const { keys } = countedKey();
    const { wrapper } = instance(keys, { now: NOW });
    const [one, two] = [randomBytes(32), randomBytes(32)];
    const first = await wrapper.wrap(one);
    const second = await wrapper.wrap(two);
    expect(await wrapper.unwrap(first.keyId, first.wrapped)).toEqual(one);
    expect(await wrapper.unwrap(second.keyId, second.wrapped)).toEqual(two);
    expect(first.wrapped.equals(second.wrapped)).toBe(false);
  });

  it('a working key is replaced after a while, and what it wrapped stays readable', async () => {
    const { keys, counts } = countedKey();
    const time = { now: NOW };
    const { vault } = instance(keys, time);
    const before = await vault.seal('before', context);
    time.now += WORKING_KEY_MS;
    const after = await vault.seal('after', context);
    expect(counts.wraps).toBe(2);
    expect([await vault.open(before, context), await vault.open(after, context)]).toEqual([
      'before',
      'after',
    ]);
  });

  it('withdrawing the vault key takes effect within that while, and giving it back at once', async () => {
    const { keys, withdraw, restore } = countedKey();
    const time = { now: NOW };
    const { vault } = instance(keys, time);
    const sealed = await vault.seal('secret', context);
    await vault.open(sealed, context);
    withdraw();
    time.now += WORKING_KEY_MS + 1;
    await expect(vault.open(sealed, context)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    await expect(vault.seal('more', context)).rejects.toMatchObject({ code: 'temporarily_unavailable' });
    restore();
    expect(await vault.open(sealed, context)).toBe('secret');
    expect(await vault.open(await vault.seal('more', context), context)).toBe('more');
  });

  it('the check asks the vault key itself, though everything needed is at hand', async () => {
    const { keys, withdraw } = countedKey();
    const { vault } = instance(keys, { now: NOW });
    await vault.open(await vault.seal('secret', context), context);
    await vault.check();
    withdraw();
    await expect(vault.check()).rejects.toMatchObject({ code: 'temporarily_unavailable' });
  });

  it('a wrapped data key that was cut, grown or changed is unreadable, whatever byte it is', async () => {
    const { keys } = countedKey();
    const { wrapper } = instance(keys, { now: NOW });
    const { keyId, wrapped } = await wrapper.wrap(randomBytes(32));
    for (const cut of [0, 1, 2, 3, 34, wrapped.length - 1]) {
      await expect(wrapper.unwrap(keyId, wrapped.subarray(0, cut))).rejects.toThrow(Unreadable);
    }
    await expect(wrapper.unwrap(keyId, Buffer.concat([wrapped, Buffer.alloc(1)]))).rejects.toThrow(
      Unreadable,
    );
    for (let at = 0; at < wrapped.length; at++) {
      const changed = Buffer.from(wrapped);
      changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
      await expect(wrapper.unwrap(keyId, changed)).rejects.toThrow(Unreadable);
    }
  });
});
