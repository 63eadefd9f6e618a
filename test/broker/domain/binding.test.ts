import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Binding,
  bindingFor,
  confirmationOf,
  isProven,
  readConfirmation,
} from '../../../shared/domain/binding.js';

const thumbprint = fc.stringMatching(/^[A-Za-z0-9_-]{43}$/);
const binding = fc
  .record({ jkt: fc.option(thumbprint), certificate: fc.option(thumbprint) })
  .map(
    ({ jkt, certificate }): Binding => ({ ...(jkt ? { jkt } : {}), ...(certificate ? { certificate } : {}) }),
  );
const some = (from: Binding) => from.jkt !== undefined || from.certificate !== undefined;

describe('what a token is bound to', () => {
  it('is written as a cnf claim and read back the same', () => {
    fc.assert(
      fc.property(binding, (given) => {
        expect(readConfirmation(confirmationOf(given))).toEqual(some(given) ? given : undefined);
      }),
    );
  });

  it.each<[string, unknown]>([
    ['nothing', {}],
    ['a way that is not known', { jku: 'https://x.test' }],
    ['a known and an unknown way', { jkt: 'a'.repeat(43), kid: 'k' }],
    ['a key by something that is no thumbprint', { jkt: 5 }],
    ['a short thumbprint', { jkt: 'a'.repeat(42) }],
    ['a list', [{ jkt: 'a'.repeat(43) }]],
    ['a text', 'jkt'],
    ['null', null],
  ])('is not understood as %s', (_, cnf) => {
    expect(readConfirmation(cnf)).toBeUndefined();
  });

  it('is never dropped by an exchange: what comes of a bound token needs all that the token needed', () => {
    fc.assert(
      fc.property(binding, binding, fc.boolean(), (presented, proven, byCertificate) => {
        fc.pre(isProven(presented, proven));
        const next = bindingFor(proven, { presented, byCertificate });
        expect(isProven(presented, next)).toBe(true);
        // And nothing is bound to what nobody proved.
        expect(isProven(next ?? {}, proven)).toBe(true);
      }),
    );
  });

  it('is proven only by every part of it', () => {
    fc.assert(
      fc.property(binding.filter(some), binding, (bound, proven) => {
        const all = (['jkt', 'certificate'] as const).every(
          (name) => bound[name] === undefined || bound[name] === proven[name],
        );
        expect(isProven(bound, proven)).toBe(all);
        expect(isProven(bound, undefined)).toBe(false);
      }),
    );
  });
});
