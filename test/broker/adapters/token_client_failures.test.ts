import { describe, expect, it } from 'vitest';
import { TENANT } from '../support/issuer.js';
import { replies, type Script } from '../support/scripted_server.js';
import { ALICE, client, server, TOKENS, target, withScriptedProvider } from '../support/token_client.js';

withScriptedProvider();

async function failureOf(script: Script) {
  const answer = await client().refresh(script);
  if (answer.ok) throw new Error('it was accepted');
  return answer.failure;
}

describe('what the provider says when it refuses', () => {
  it('is kept as error, suberror, codes, claims and trace id', async () => {
    const body = {
      error: 'invalid_grant',
      error_description: 'AADSTS50076: canary alice@contoso.test',
      suberror: 'basic_action',
      error_codes: [50076, 'x', 1.5],
      claims: '{"access_token":{}}',
      trace_id: 'a-b-c',
    };
    expect(await failureOf(replies(400, body))).toEqual({
      status: 400,
      error: 'invalid_grant',
      suberror: 'basic_action',
      codes: [50076],
      claims: '{"access_token":{}}',
      traceId: 'a-b-c',
    });
  });

  it('its free text goes nowhere, and a word that is none is not taken', async () => {
    const failure = await failureOf(
      replies(400, {
        error: 'the token canary is bad',
        suberror: 'x\ny',
        trace_id: 'z'.repeat(81),
        error_codes: 'x',
      }),
    );
    expect(failure).toEqual({ status: 400, error: 'unreadable_answer', codes: [] });
  });

  it('an error under status 200 is an error', async () => {
    expect(await failureOf(replies(200, { ...TOKENS, error: 'bad_refresh_token' }))).toMatchObject({
      status: 200,
      error: 'bad_refresh_token',
    });
  });

  it.each<[string, Script, number]>([
    ['an HTML error page', (_, response) => response.writeHead(502).end('<html>Bad gateway</html>'), 502],
    ['an HTML page under 200', (_, response) => response.writeHead(200).end('<html>Sign in</html>'), 200],
    ['an empty body', (_, response) => response.writeHead(200).end(), 200],
    ['JSON null', replies(200, null), 200],
    ['a list', replies(200, [TOKENS]), 200],
    ['no access token', replies(200, { expires_in: 5 }), 200],
    ['an empty access token', replies(200, { ...TOKENS, access_token: '' }), 200],
    ['an access token that is no text', replies(200, { ...TOKENS, access_token: { a: 1 } }), 200],
    ['a token under another status', replies(400, TOKENS), 400],
    ['broken JSON', (_, response) => response.writeHead(500).end('{"error":"server_err'), 500],
  ])('%s is unreadable, with its status', async (_, script, status) => {
    expect(await failureOf(script)).toEqual({ status, error: 'unreadable_answer', codes: [] });
  });

  it.each([
    ['7', 7],
    ['0', 0],
    ['999999', 999_999],
  ])('Retry-After %s is %i seconds', async (header, seconds) => {
    expect(await failureOf(replies(429, {}, { 'retry-after': header }))).toMatchObject({
      status: 429,
      retryAfterSeconds: seconds,
    });
  });

  const DATE = 'Mon, 23 Nov 2026 12:00:00 GMT';
  it.each([
    ['Mon, 23 Nov 2026 12:02:00 GMT', 120],
    ['Tue, 24 Nov 2026 12:00:00 GMT', 86_400],
    ['Mon, 23 Nov 2026 11:00:00 GMT', 0],
    ['Mon, 23 Nov 9999 11:00:00 GMT', 999_999],
  ])(
    'Retry-After %s is counted from the Date of the answer, whatever the time is here',
    async (at, seconds) => {
      const answer = replies(503, {}, { 'retry-after': at, date: DATE });
      expect(await failureOf(answer)).toMatchObject({ retryAfterSeconds: seconds });
    },
  );

  it.each(['2026-11-23T12:02:00Z', 'Mon, 99 Nov 2026 12:02:00 GMT', 'Monday, 23-Nov-26 12:02:00 GMT'])(
    'Retry-After %s is no HTTP date anybody writes, and says nothing',
    async (at) => {
      const answer = replies(503, {}, { 'retry-after': at, date: DATE });
      expect(await failureOf(answer)).not.toHaveProperty('retryAfterSeconds');
    },
  );

  it.each(['-1', 'soon', '1.5', '10000000', ''])('Retry-After %j says nothing', async (header) => {
    expect(await failureOf(replies(429, {}, { 'retry-after': header }))).not.toHaveProperty(
      'retryAfterSeconds',
    );
  });

  it('a redirect is not followed: the credential stays where it was sent', async () => {
    const failure = await failureOf(replies(307, {}, { location: `${server.origin}/elsewhere` }));
    expect(failure.status).toBe(307);
    expect(server.paths).not.toContain('/elsewhere');
  });

  it('a token too large to be kept is a failure, before anything is built on it', async () => {
    for (const large of [{ access_token: 'x'.repeat(20_001) }, { refresh_token: 'x'.repeat(20_001) }]) {
      expect(await failureOf(replies(200, { ...TOKENS, ...large }))).toMatchObject({
        error: 'token_too_large',
      });
    }
  });
});

describe('a provider that does not answer', () => {
  const none = { status: 0, codes: [] };

  it.each<[string, Script, string]>([
    ['never answers', () => undefined, 'timeout'],
    [
      'sends its headers and then nothing',
      (_, response) => void response.writeHead(200).flushHeaders(),
      'timeout',
    ],
    [
      'drips its answer',
      (_, response) => {
        response.writeHead(200);
        const drip = setInterval(() => response.write(' '), 50);
        response.on('close', () => clearInterval(drip));
      },
      'timeout',
    ],
    ['hangs up', (request) => void request.socket.destroy(), 'no_answer'],
    [
      'resets in the middle of its answer',
      (_, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('{"access_token":"at"');
        setTimeout(() => response.socket?.resetAndDestroy(), 20);
      },
      'no_answer',
    ],
    [
      'answers without end',
      (_, response) => {
        response.writeHead(200);
        const chunk = 'x'.repeat(65_536);
        const pour = () => {
          while (!response.destroyed && response.write(chunk));
          if (!response.destroyed) response.once('drain', pour);
        };
        pour();
      },
      'no_answer',
    ],
    ['speaks no HTTP', (request) => void request.socket.end('hello\r\n\r\n'), 'no_answer'],
  ])('that %s is a failure without a status', async (_, script, error) => {
    expect(await failureOf(script)).toEqual({ ...none, error });
  });

  it('whose metadata cannot be had is one too, and no credential is sent', async () => {
    const { provider } = client();
    server.answer(replies(503, {}));
    const answer = await provider.refresh(ALICE, 'the refresh token', target);
    expect(answer).toEqual({ ok: false, failure: { ...none, error: 'no_answer' } });
    await expect(provider.check('aad')).rejects.toThrow();
    expect(server.bodies).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['another issuer', { issuer: 'https://evil.test' }],
    ['a token endpoint elsewhere', { token_endpoint: 'https://evil.test/token' }],
    ['a key set elsewhere', { jwks_uri: 'https://evil.test/keys' }],
    ['no token endpoint', { token_endpoint: undefined }],
    ['a token endpoint that is no address', { token_endpoint: '/token' }],
  ])('whose metadata names %s gets no credential', async (_, metadata) => {
    const answer = await client(metadata).refresh(replies(200, TOKENS));
    expect(answer.ok).toBe(false);
    expect(server.bodies).toEqual([]);
  });

  it('that is not configured is a fault of ours, not of the provider', async () => {
    await expect(client().provider.refresh({ ...ALICE, provider: 'google' }, 'rt', target)).rejects.toThrow();
  });

  it.each([{}, { keys: 'x' }, { keys: [null] }, { keys: ['x'] }])(
    'a key set like %j is not taken',
    async (keys) => {
      const { documents } = client();
      server.answer((request, response, body) => {
        const document = {
          issuer: `${server.origin}/${TENANT}/v2.0`,
          token_endpoint: `${server.origin}/token`,
          jwks_uri: `${server.origin}/keys`,
        };
        replies(200, request.url === '/keys' ? keys : document)(request, response, body);
      });
      await expect(documents.keys.get()).rejects.toThrow();
    },
  );
});
