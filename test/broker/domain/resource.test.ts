import { describe, expect, it } from 'vitest';
import { isResourceUri, requestedResource } from '../../../shared/domain/resource.js';
import { refusalOf } from '../support/refusals.js';

describe('the requested resource (RFC 8707 §2, RFC 8693 §2.1)', () => {
  it.each(['api://orders', 'https://graph.microsoft.test', 'urn:example:a?b=c'])('takes %s', (uri) => {
    expect(requestedResource(uri, undefined)).toBe(uri);
    expect(requestedResource(undefined, uri)).toBe(uri);
  });

  it('is returned as it was written: what policy does not spell so is not that resource', () => {
    expect(requestedResource('https://GRAPH.microsoft.test', undefined)).toBe('https://GRAPH.microsoft.test');
  });

  it.each([
    ['relative', 'orders'],
    ['relative to a host', '//orders/x'],
    ['with a fragment', 'api://orders#x'],
    ['with an empty fragment', 'api://orders#'],
    ['with a space', 'api://or ders'],
    ['with a line break', 'api://orders\n'],
    ['longer than 1024 characters', `api://${'o'.repeat(1024)}`],
  ])('%s is invalid_target', async (_, uri) => {
    expect(isResourceUri(uri)).toBe(false);
    expect((await refusalOf(() => requestedResource(uri, undefined))).code).toBe('invalid_target');
    expect((await refusalOf(() => requestedResource(undefined, uri))).code).toBe('invalid_target');
  });

  it('none is invalid_request', async () => {
    expect((await refusalOf(() => requestedResource(undefined, undefined))).code).toBe('invalid_request');
  });

  it('both names at once are invalid_request, even when they agree', async () => {
    const refusal = await refusalOf(() => requestedResource('api://orders', 'api://orders'));
    expect(refusal.code).toBe('invalid_request');
  });
});
