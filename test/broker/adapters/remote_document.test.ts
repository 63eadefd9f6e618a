import { describe, expect, it } from 'vitest';
import { createRemoteDocument } from '../../../shared/adapters/remote_document.js';

const TIMING = { freshMs: 1000, staleMs: 10_000, cooldownMs: 100 };

function setUp() {
  const time = { now: 1_000_000 };
  const source = { loads: 0, fails: false, hold: Promise.resolve() };
  const document = createRemoteDocument({
    ...TIMING,
    clock: () => time.now,
    load: async () => {
      const load = ++source.loads;
      await source.hold;
      if (source.fails) throw new Error(`load ${load} failed`);
      return load;
    },
  });
  return { time, source, document };
}

describe('a remote document', () => {
  it('is loaded once and used while it is fresh', async () => {
    const { time, document } = setUp();
    expect(await document.get()).toBe(1);
    time.now += TIMING.freshMs - 1;
    expect(await document.get()).toBe(1);
    time.now += 1;
    expect(await document.get()).toBe(2);
  });

  it('is loaded once for many that ask at the same time', async () => {
    const { source, document } = setUp();
    expect(await Promise.all(Array.from({ length: 20 }, () => document.get()))).toEqual(Array(20).fill(1));
    expect(source.loads).toBe(1);
  });

  it('goes on being used while its source is down, up to its stale time', async () => {
    const { time, source, document } = setUp();
    await document.get();
    source.fails = true;
    time.now += TIMING.staleMs - 1;
    expect(await document.get()).toBe(1);
    time.now += TIMING.cooldownMs;
    await expect(document.get()).rejects.toThrow('load 3 failed');
  });

  it('its source is asked once a cooldown while it is down, not once a request', async () => {
    const { time, source, document } = setUp();
    source.fails = true;
    for (let count = 0; count < 50; count++) await expect(document.get()).rejects.toThrow('load 1 failed');
    time.now += TIMING.cooldownMs;
    await expect(document.get()).rejects.toThrow('load 2 failed');
    expect(source.loads).toBe(2);
  });

  it('is loaded again on demand, but not within the cooldown of the last attempt', async () => {
    const { time, document } = setUp();
    await document.get();
    expect(await document.reload()).toBe(1);
    time.now += TIMING.cooldownMs;
    expect(await document.reload()).toBe(2);
  });

  it('a source that is back is used at the next attempt', async () => {
    const { time, source, document } = setUp();
    source.fails = true;
    await expect(document.get()).rejects.toThrow();
    source.fails = false;
    time.now += TIMING.cooldownMs;
    expect(await document.get()).toBe(2);
  });
});
