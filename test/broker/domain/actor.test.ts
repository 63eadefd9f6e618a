import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Actor, actFor, depthOf, MOST_ACTORS, mayAct, readActor } from '../../../shared/domain/actor.js';
import { Refusal } from '../../../shared/domain/errors.js';

const name = fc.string({ minLength: 1, maxLength: 20 });

describe('RFC 8693 §4.1: the act chain', () => {
  it('the current actor is outermost and history is kept in order', () => {
    const chain = ['a', 'b', 'c'].reduce<Actor | undefined>((prior, sub) => actFor(sub, prior), undefined);
    expect(chain).toEqual({ sub: 'c', act: { sub: 'b', act: { sub: 'a' } } });
  });

  it('never loses or reorders an actor, never grows when the current actor asks again, never passes the limit', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), (names) => {
        let chain: Actor | undefined;
        for (const sub of names) {
          const before = chain;
          try {
            chain = actFor(sub, chain);
          } catch (error) {
            expect(error).toBeInstanceOf(Refusal);
            expect(depthOf(before)).toBe(MOST_ACTORS);
            return;
          }
          expect(chain.sub).toBe(sub);
          expect(before === undefined || chain === before || chain.act === before).toBe(true);
          expect(actFor(sub, chain)).toEqual(chain);
          expect(depthOf(chain)).toBeLessThanOrEqual(MOST_ACTORS);
        }
      }),
    );
  });

  it('what was written is what is read', () => {
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: MOST_ACTORS }), (names) => {
        const chain = names.reduce<Actor | undefined>(
          (act, sub) => (act ? { sub, act } : { sub }),
          undefined,
        );
        expect(readActor(JSON.parse(JSON.stringify(chain)))).toEqual(chain);
      }),
    );
  });

  it.each([
    [null],
    ['a'],
    [{}],
    [{ sub: 1 }],
    [{ sub: '' }],
    [{ sub: 'a', act: 'b' }],
    [{ sub: 'a', act: null }],
    [[]],
  ])('a malformed claim %j is refused, not ignored', (claim) => {
    expect(() => readActor(claim)).toThrow(Refusal);
  });

  it('a chain longer than the limit is refused, not cut', () => {
    let chain: Actor = { sub: 'x' };
    for (let depth = 0; depth < MOST_ACTORS; depth++) chain = { sub: `a${depth}`, act: chain };
    expect(() => readActor(chain)).toThrow(Refusal);
  });
});

describe('RFC 8693 §4.4: may_act', () => {
  const issuer = 'https://broker.test';
  it('absent allows, a match allows', () => {
    expect(mayAct(undefined, 'svc', issuer)).toBe(true);
    expect(mayAct({ sub: 'svc' }, 'svc', issuer)).toBe(true);
    expect(mayAct({ sub: 'svc', iss: issuer }, 'svc', issuer)).toBe(true);
    expect(mayAct({ client_id: 'svc' }, 'svc', issuer)).toBe(true);
  });

  it.each([
    [{ sub: 'other' }],
    [{ sub: 'svc', iss: 'https://elsewhere.test' }],
    [{ sub: 'svc', client_id: 'other' }],
    [{}],
    [{ sub: ['svc'] }],
    [{ sub: 'svc', aud: 'x' }],
    [null],
    ['svc'],
    [[{ sub: 'svc' }]],
  ])('%j does not', (claim) => {
    expect(mayAct(claim, 'svc', issuer)).toBe(false);
  });
});
