import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digest, fraction, lengthPrefixed } from '../../../shared/domain/digest.js';
import { grantKeys, newGrantId } from '../../../shared/domain/grant.js';
import { sameSubject, subjectKey } from '../../../shared/domain/subject.js';
import { hostileText, subject } from '../support/arbitraries.js';

const KEY = /^[A-Za-z0-9_-]{43}$/;
const parts = fc.array(hostileText.filter(isWellFormed), { maxLength: 6 });

/** Lone surrogates have no UTF-8: no header, form or token can bring one. */
function isWellFormed(text: string): boolean {
  return Buffer.from(text, 'utf8').toString('utf8') === text;
}

describe('storage keys', () => {
  it('no two different part lists give the same text', () => {
    expect(lengthPrefixed(['a-b', 'c'])).not.toBe(lengthPrefixed(['a', 'b-c']));
    expect(lengthPrefixed(['ab'])).not.toBe(lengthPrefixed(['a', 'b']));
    expect(lengthPrefixed([])).not.toBe(lengthPrefixed(['']));
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = a.length === b.length && a.every((part, index) => part === b[index]);
        expect(lengthPrefixed(a) === lengthPrefixed(b)).toBe(same);
      }),
    );
  });

  it('moving a border between parts changes the key', () => {
    fc.assert(
      fc.property(hostileText.filter(isWellFormed), fc.nat(), fc.nat(), (text, a, b) => {
        const [i, j] = [a % (text.length + 1), b % (text.length + 1)];
        const split = (at: number) => [text.slice(0, at), text.slice(at)];
        fc.pre(i !== j && split(i).every(isWellFormed) && split(j).every(isWellFormed));
        expect(digest(...split(i))).not.toBe(digest(...split(j)));
      }),
    );
  });

  it('hold nothing but base64url, whatever the user is called', () => {
    fc.assert(
      fc.property(parts, subject, (list, who) => {
        expect(digest(...list)).toMatch(KEY);
        expect(subjectKey(who)).toMatch(KEY);
      }),
    );
  });

  it('two subjects share a key only when they are the same subject', () => {
    const clean = subject.filter((who) => Object.values(who).every(isWellFormed));
    fc.assert(
      fc.property(clean, clean, (a, b) => {
        expect(subjectKey(a) === subjectKey(b)).toBe(sameSubject(a, b));
      }),
    );
  });

  it('the same object id in two tenants is two subjects', () => {
    const a = { provider: 'aad', tenant: 'one', id: 'x' };
    expect(sameSubject(a, { ...a, tenant: 'two' })).toBe(false);
    expect(subjectKey(a)).not.toBe(subjectKey({ ...a, tenant: 'two' }));
  });

  it('a fraction is always the same for a text and within [0, 1)', () => {
    fc.assert(
      fc.property(hostileText, (text) => {
        const value = fraction(text);
        expect(value).toBe(fraction(text));
        expect(value >= 0 && value < 1).toBe(true);
      }),
    );
  });
});

describe('grant ids', () => {
  const alice = { provider: 'aad', tenant: 't', id: 'alice' };
  const random = (fill: number) => new Uint8Array(16).fill(fill);

  it('name the partition of their subject and differ by their random half', () => {
    const one = newGrantId(alice, random(1));
    expect(grantKeys(one)?.partition).toBe(subjectKey(alice));
    expect(newGrantId(alice, random(2))).not.toBe(one);
  });

  it('carry all 128 random bits', () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index * 16 + 7);
    const half = newGrantId(alice, bytes).split('.')[1] ?? '';
    expect([...Buffer.from(half, 'base64url')]).toEqual([...bytes]);
  });

  it('a text that is no grant id has no keys, so it never reaches the store', () => {
    const id = newGrantId(alice, random(1));
    for (const text of [
      '',
      'x',
      `${id}x`,
      ` ${id}`,
      `${id}\n`,
      id.replace('.', '/'),
      id.slice(1),
      `${id}.${id}`,
    ]) {
      expect(grantKeys(text)).toBeUndefined();
    }
    fc.assert(
      fc.property(hostileText, (text) => {
        const keys = grantKeys(text);
        if (keys) expect(keys.row).toMatch(KEY);
      }),
    );
  });

  it('the row key is of the whole id: another random half is another row', () => {
    const one = grantKeys(newGrantId(alice, random(1)));
    const two = grantKeys(newGrantId(alice, random(2)));
    expect(one?.partition).toBe(two?.partition);
    expect(one?.row).not.toBe(two?.row);
  });
});
