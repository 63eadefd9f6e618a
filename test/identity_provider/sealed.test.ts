import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSealer } from '../../local/identity_provider/sealed.js';

const sealer = createSealer(Buffer.alloc(32, 7));

describe('sealed blobs', () => {
  it('open to what was sealed, with the same key and kind, after a restart too', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const copy: unknown = JSON.parse(JSON.stringify(value));
        expect(createSealer(Buffer.alloc(32, 7)).open('code', sealer.seal('code', value))).toEqual(copy);
      }),
    );
  });

  it('never open as another kind or with another key', () => {
    const blob = sealer.seal('refresh', { a: 1 });
    expect(sealer.open('code', blob)).toBeUndefined();
    expect(createSealer(randomBytes(32)).open('refresh', blob)).toBeUndefined();
  });

  it('never open when any character was changed', () => {
    const blob = sealer.seal('refresh', { user: 'alice' });
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    fc.assert(
      fc.property(fc.nat(blob.length - 1), fc.constantFrom(...alphabet), (index, character) => {
        fc.pre(blob[index] !== character);
        const altered = blob.slice(0, index) + character + blob.slice(index + 1);
        expect(sealer.open('refresh', altered)).toBeUndefined();
      }),
    );
  });

  it('never throw on foreign text', () => {
    fc.assert(fc.property(fc.string(), (text) => sealer.open('code', text) === undefined));
  });

  it('need a 32-byte key', () => {
    expect(() => createSealer(Buffer.alloc(16))).toThrow(TypeError);
  });
});
