import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  PUBLISH_LEAD_MS,
  publishedKeys,
  RETIRE_AFTER_MS,
  signingKey,
} from '../../../shared/domain/signing_keys.js';

const NOW = 1_800_000_000_000;
const key = (name: string, createdAt: number) => ({ name, createdAt });

describe('signing keys', () => {
  it('without keys nothing signs and nothing is published', () => {
    expect(signingKey([], NOW)).toBeUndefined();
    expect(publishedKeys([], NOW)).toEqual([]);
  });

  it('a first key signs at once, having nobody to overtake', () => {
    expect(signingKey([key('first', NOW)], NOW)?.name).toBe('first');
  });

  it('a new key is published before it signs', () => {
    const keys = [key('old', NOW - 1e10), key('new', NOW)];
    expect(publishedKeys(keys, NOW).map(({ name }) => name)).toContain('new');
    expect(signingKey(keys, NOW + PUBLISH_LEAD_MS - 1)?.name).toBe('old');
    expect(signingKey(keys, NOW + PUBLISH_LEAD_MS)?.name).toBe('new');
  });

  it('a superseded key stays published until the last token it signed has ended, and no longer', () => {
    const keys = [key('old', NOW - 1e10), key('new', NOW)];
    const end = NOW + PUBLISH_LEAD_MS + RETIRE_AFTER_MS;
    expect(publishedKeys(keys, end - 1).map(({ name }) => name)).toEqual(['old', 'new']);
    expect(publishedKeys(keys, end).map(({ name }) => name)).toEqual(['new']);
  });

  it('the key that signs is always published, whatever the ages', () => {
    const ages = fc.array(fc.integer({ min: -3e8, max: 3e8 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(ages, (offsets) => {
        const keys = offsets.map((offset, index) => key(String(index), NOW + offset));
        const signer = signingKey(keys, NOW);
        expect(signer).toBeDefined();
        expect(publishedKeys(keys, NOW)).toContain(signer);
      }),
    );
  });
});
