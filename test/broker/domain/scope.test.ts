import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  beyond,
  formatScope,
  intersect,
  isSubset,
  parseScope,
  scopeOf,
} from '../../../shared/domain/scope.js';
import { scopeToken } from '../support/arbitraries.js';
import { refusalOf } from '../support/refusals.js';

describe('scope (RFC 6749 §3.3)', () => {
  it('reads tokens in any order and with repetitions as the same set', () => {
    expect(parseScope('b a b')).toEqual(parseScope('a b'));
    fc.assert(
      fc.property(fc.array(scopeToken, { minLength: 1, maxLength: 20 }), (tokens) => {
        const shuffled = [...tokens].reverse().concat(tokens.slice(0, 2));
        expect(parseScope(shuffled.join(' '))).toEqual(scopeOf(tokens));
      }),
    );
  });

  it('keeps case: User.Read and user.read are two scopes', () => {
    expect(parseScope('User.Read user.read')).toHaveLength(2);
  });

  it.each([
    ['nothing', ''],
    ['a leading space', ' a'],
    ['two spaces', 'a  b'],
    ['a tab', 'a\tb'],
    ['a line break', 'a\nb'],
    ['a double quote', 'a"b'],
    ['a backslash', 'a\\b'],
    ['a character outside ASCII', 'ä'],
    ['a NUL', 'a\u0000'],
    ['more than 100 tokens', Array.from({ length: 101 }, (_, index) => `s${index}`).join(' ')],
  ])('refuses %s with invalid_scope', async (_, text) => {
    expect((await refusalOf(() => parseScope(text))).code).toBe('invalid_scope');
  });

  it('is read back from what it is written as', () => {
    fc.assert(
      fc.property(fc.array(scopeToken, { minLength: 1, maxLength: 20 }), (tokens) => {
        const scope = scopeOf(tokens);
        expect(parseScope(formatScope(scope))).toEqual(scope);
      }),
    );
  });

  it('obeys set algebra: an intersection is within both, what is beyond is in the first alone', () => {
    const scopes = fc.array(scopeToken, { maxLength: 12 }).map(scopeOf);
    fc.assert(
      fc.property(scopes, scopes, (a, b) => {
        const both = intersect(a, b);
        expect(isSubset(both, a) && isSubset(both, b)).toBe(true);
        expect(intersect(beyond(a, b), b)).toEqual([]);
        expect(scopeOf([...both, ...beyond(a, b)])).toEqual(a);
      }),
    );
  });
});
