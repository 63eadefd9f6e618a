import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readClaims } from '../../../shared/domain/claims_request.js';
import { Refusal } from '../../../shared/domain/errors.js';

function refused(text: string): Refusal {
  try {
    readClaims(text);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was taken');
}

describe('a claims parameter (OpenID Connect Core §5.5)', () => {
  it.each([
    '{"access_token":{"nbf":{"essential":true,"value":"1604106651"}}}',
    '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}',
    '{"access_token":{"capolids":{"essential":true,"values":["a","b"]}}}',
    '{"access_token":{"polids":null,"x":{"value":1},"y":{"value":false}}}',
  ])('as Entra raises it is taken: %s', (text) => {
    expect(JSON.parse(readClaims(text))).toEqual(JSON.parse(text));
  });

  it('that asks the same is the same text, in whatever order and spacing', () => {
    const one = readClaims('{"access_token":{"b":{"essential":true,"value":"1"},"a":null}}');
    expect(readClaims(' {"access_token": {"a":null, "b": {"value":"1","essential":true}}} ')).toBe(one);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['base64, as a header carries it', 'eyJhY2Nlc3NfdG9rZW4iOnt9fQ=='],
    ['a list', '[]'],
    ['null', 'null'],
    ['no access_token', '{}'],
    ['another token', '{"id_token":{"acr":null}}'],
    ['another token beside', '{"access_token":{"a":null},"id_token":{"b":null}}'],
    ['nothing asked', '{"access_token":{}}'],
    ['a claim that is a text', '{"access_token":{"a":"b"}}'],
    ['an unknown member', '{"access_token":{"a":{"essential":true,"x":1}}}'],
    ['a value that is an object', '{"access_token":{"a":{"value":{"b":1}}}}'],
    ['values that are no list', '{"access_token":{"a":{"values":"b"}}}'],
    ['a value in a list that is a list', '{"access_token":{"a":{"values":[["b"]]}}}'],
    ['more than 4096 characters', `{"access_token":{"a":{"value":"${'x'.repeat(4096)}"}}}`],
    [
      'more than twenty claims',
      JSON.stringify({ access_token: Object.fromEntries([...Array(21).keys()].map((n) => [`c${n}`, null])) }),
    ],
  ])('of %s is invalid_request', (_, text) => {
    expect(refused(text)).toMatchObject({ code: 'invalid_request', status: 400 });
  });

  it('whatever it is made of: taken and stable, or invalid_request that repeats nothing of it', () => {
    const claims = fc.oneof(
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ access_token: value })),
    );
    fc.assert(
      fc.property(claims, (text) => {
        try {
          const read = readClaims(text);
          expect(readClaims(read)).toBe(read);
        } catch (error) {
          expect(error).toBeInstanceOf(Refusal);
          expect((error as Refusal).code).toBe('invalid_request');
        }
      }),
    );
  });
});
