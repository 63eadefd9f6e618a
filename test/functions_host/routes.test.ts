import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHeaderReader } from '../../local/functions_host/http/headers.js';
import { joinQuery, readTarget } from '../../local/functions_host/http/request_target.js';
import { createRouter } from '../../local/functions_host/http/router.js';

function router(...routes: readonly (readonly [name: string, template: string, methods?: string])[]) {
  const problems: string[] = [];
  const entries = routes.map(([name, template, methods = 'GET']) => ({
    name,
    template,
    methods: methods.split(','),
  }));
  const route = createRouter(entries, { problem: (text) => problems.push(text), warning: () => undefined });
  return { problems, find: (path: string, method = 'GET') => route(method, path) };
}

/** The route values of a path under one template; undefined when it does not match. */
function values(template: string, path: string): Record<string, string> | undefined {
  const found = router(['f', template]).find(path);
  return found && { ...found.params };
}

describe('a route', () => {
  it.each([
    ['a/b', '/A/B', {}],
    ['a/b', '/a/b/', {}],
    ['a/b', '/a/b//', undefined],
    ['a/b', '/a//b', undefined],
    ['a/b', '/a', undefined],
    ['', '/', {}],
    ['{a}', '/', undefined],
    ['{a?}', '/', {}],
    ['a/{b=1}', '/a', { b: '1' }],
    ['a/{b?}/c', '/a/c', undefined],
    ['{*all}', '/', {}],
    ['{*all}', '/a//b', { all: 'a//b' }],
    ['files/{name}.{ext?}', '/files/a.b.txt', { name: 'a.b', ext: 'txt' }],
    ['files/{name}.{ext?}', '/files/readme', { name: 'readme' }],
    ['v{major:int}.{minor:int}', '/v1.22', { major: '1', minor: '22' }],
    ['v{major:int}.{minor:int}', '/v1.x', undefined],
    ['a{{b}}', '/a{b}', {}],
    ['{id:regex(^\\d{{3}}$)}', '/123', { id: '123' }],
    ['{id:regex(^\\d{{3}}$)}', '/1234', undefined],
    ['{id:regex(^a:b|c/d$)}', '/A:B', { id: 'A:B' }],
  ])('%j for %s gives %j', (template, path, expected) => {
    expect(values(template, path)).toEqual(expected);
  });

  it.each([
    ['int', ['0', '-7', '+7', '2147483647'], ['', 'x', '1.0', '2147483648', '1e3']],
    ['long', ['9223372036854775807'], ['9223372036854775808']],
    ['bool', ['true', 'False'], ['yes', '1']],
    ['guid', ['CA761232-ED42-11CE-BACD-00AA0057B223', 'ca761232ed4211cebacd00aa0057b223'], ['ca761232']],
    ['alpha', ['abcXYZ'], ['a1', 'ä']],
    ['decimal', ['1', '-1.5', '1,000.25'], ['1e5', 'x']],
    ['double', ['1', '-1.5e-3'], ['e5', 'x']],
    ['length(3)', ['abc'], ['ab', 'abcd']],
    ['length(2,3)', ['ab', 'abc'], ['a', 'abcd']],
    ['minlength(2)', ['ab'], ['a']],
    ['maxlength(2)', ['ab'], ['abc']],
    ['min(5)', ['5', '99'], ['4', 'x']],
    ['max(5)', ['5', '-1'], ['6']],
    ['range(5,7)', ['5', '7'], ['4', '8']],
    ['required', ['x'], ['']],
    ['int:min(3)', ['3'], ['2']],
  ])('constraint %s holds for %j, not for %j', (constraint, good, bad) => {
    for (const value of good)
      expect([value, values(`{v:${constraint}}`, `/${value}`)]).toEqual([value, { v: value }]);
    for (const value of bad)
      expect([value, values(`{v:${constraint}}`, `/${value}`)]).toEqual([value, undefined]);
  });

  it.each([
    ['{a', 'its braces do not match'],
    ['a}', 'its braces do not match'],
    ['a//b', 'an empty segment'],
    ['{a}/{A}', '"a" appears twice'],
    ['{a}{b}', 'a literal between them'],
    ['{*a}/b', 'must be the last segment'],
    ['x{*a}', 'a segment of its own'],
    ['{a:prime}', 'unknown constraint "prime"'],
    ['{a:length(x)}', 'malformed constraint'],
    ['{a:regex([)}', 'malformed constraint'],
    ['{a:constructor}', 'unknown constraint'],
    ['{a=1?}', 'cannot be optional'],
    ['a?', 'must not contain "?"'],
    ['{}', 'malformed'],
  ])('%j is refused: %s', (template, reason) => {
    expect(router(['f', template]).problems).toEqual([expect.stringContaining(reason)]);
  });

  it('of the first name wins, and a method it does not take leaves the others in', () => {
    const { find } = router(['b', 'x/{id}'], ['A', 'x/{id}', 'POST'], ['c', 'x/y']);
    expect([find('/x/y')?.entry.name, find('/x/y', 'POST')?.entry.name]).toEqual(['b', 'A']);
  });

  it('parameter never takes more than its segment', () => {
    fc.assert(
      fc.property(fc.webPath(), (path) => {
        const found = router(['f', 'x/{a}/{b?}']).find(`/x${path}`);
        for (const value of Object.values(found?.params ?? {})) expect(value).not.toContain('/');
      }),
    );
  });
});

describe('a request target', () => {
  it.each([
    ['/a%20b?c', '/a b', '?c'],
    ['/a%2Fb', '/a%2Fb', ''],
    ['/a%2fb%41', '/a%2fbA', ''],
    ['/%ff', '/%ff', ''],
    ['/a/./b/../c', '/a/c', ''],
    ['/a/..', '/', ''],
    ['/../../a', '/a', ''],
    ['/a/%2E%2E/b', '/b', ''],
    ['http://contoso.test/a?b', '/a', '?b'],
    ['http://contoso.test', '/', ''],
  ])('%s is the path %s and the query %j', (url, path, rawQuery) => {
    expect(readTarget(url)).toMatchObject({ path, rawQuery });
  });

  it.each(['*', 'a', '/a%00'])('%j is none', (url) => {
    expect(readTarget(url)).toBeUndefined();
  });

  it('joins the values of a name under its first spelling, in order', () => {
    expect({ ...joinQuery('?A=1&b=2&a=3&__proto__=4') }).toMatchObject({ A: '1,3', b: '2' });
    expect(Object.keys(joinQuery('?__proto__=4'))).toEqual(['__proto__']);
  });
});

describe('platform headers', () => {
  const name = fc
    .constantFrom(
      'x-ms-client-principal',
      'x-ms-client-principal-id',
      'x-ms-token-aad-id-token',
      'x-easyauth-gateway-secret',
    )
    .chain((text) =>
      fc.array(fc.boolean(), { minLength: 30, maxLength: 30 }).map((upper) => mixCase(text, upper)),
    );
  const mixCase = (text: string, upper: boolean[]) =>
    [...text].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter)).join('');

  it('never pass without the whole secret, in whatever case, number and order they come', () => {
    const read = createHeaderReader('the-secret');
    const header = fc.tuple(name, fc.string()).filter(([, value]) => value !== 'the-secret');
    fc.assert(
      fc.property(fc.array(header), (list) => {
        const { headers, fromGateway } = read(list.flat());
        expect([Object.keys(headers), fromGateway]).toEqual([[], false]);
      }),
    );
  });
});
