import { afterEach, describe, expect, it, vi } from 'vitest';
import { consoleLog } from '../../../shared/adapters/system.js';
import { Refusal, unavailable } from '../../../shared/domain/errors.js';
import { oauthError, problem } from '../../../shared/http/answers.js';

describe('an OAuth error (RFC 6749 §5.2)', () => {
  it('has the status of its code, and says nothing of the reason', () => {
    const refusal = new Refusal('invalid_client', { description: 'no', reason: 'the reason' });
    const answer = oauthError(refusal);
    expect(answer.status).toBe(401);
    expect(answer.jsonBody).toEqual({ error: 'invalid_client', error_description: 'no' });
  });

  it('has a description of allowed characters only', () => {
    const answer = oauthError(new Refusal('invalid_request', { description: 'the “x” of\n"y" \\ is ä' }));
    expect(answer.jsonBody).toEqual({ error: 'invalid_request', error_description: 'the ?x? of??y? ? is ?' });
  });

  it.each([
    ['method_not_allowed', 405, 'invalid_request'],
    ['payload_too_large', 413, 'invalid_request'],
    ['unsupported_media_type', 415, 'invalid_request'],
    ['easy_auth_off', 503, 'temporarily_unavailable'],
    ['not_configured', 503, 'temporarily_unavailable'],
    ['server_error', 500, 'server_error'],
  ] as const)('%s is status %i with the code that OAuth has for it', (code, status, error) => {
    expect(oauthError(new Refusal(code, { description: 'x' }))).toMatchObject({
      status,
      jsonBody: { error },
    });
  });
});

describe('problem details (RFC 9457)', () => {
  it('name type, title, status, detail and this occurrence', () => {
    expect(
      problem(new Refusal('refresh_token_missing', { description: 'no', reason: 'secret' }), 'id-1'),
    ).toEqual({
      status: 422,
      headers: { 'Content-Type': 'application/problem+json' },
      jsonBody: {
        type: 'urn:token-broker:problem:refresh_token_missing',
        title: 'refresh token missing',
        status: 422,
        detail: 'no',
        code: 'refresh_token_missing',
        instance: 'urn:uuid:id-1',
      },
    });
  });
});

describe('Retry-After (RFC 9110 §10.2.3)', () => {
  it.each([
    [-5, '1'],
    [0, '1'],
    [0.2, '1'],
    [1.2, '2'],
    [60, '60'],
  ])('of %d seconds is %s', (seconds, header) => {
    expect(unavailable('x', seconds).headers['Retry-After']).toBe(header);
  });
});

describe('a log line', () => {
  afterEach(() => vi.restoreAllMocks());

  it('is one line, and a value cannot forge another field or line', () => {
    const written: string[] = [];
    vi.spyOn(console, 'warn').mockImplementation((text: string) => void written.push(text));
    consoleLog.warn('refused', { reason: 'x\n2026 error forged=1', plain: 'a-b', count: 3, none: undefined });
    expect(written).toEqual([String.raw`refused reason="x\n2026 error forged=1" plain=a-b count=3`]);
  });
});
