import { describe, expect, it } from 'vitest';
import { settings } from '../support/issuer.js';
import { GRAPH } from '../support/samples.js';
import { replies } from '../support/scripted_server.js';
import { client, server, TOKENS, withScriptedProvider } from '../support/token_client.js';

withScriptedProvider();

async function lifeOf(expiresIn: unknown): Promise<number> {
  const answer = await client().refresh(replies(200, { ...TOKENS, expires_in: expiresIn }));
  if (!answer.ok) throw new Error('it was refused');
  return answer.tokens.expiresIn;
}

describe('redeeming a refresh token (RFC 6749 §6)', () => {
  it('sends the form as the app registration, asking for a successor and the identity', async () => {
    await client().refresh(replies(200, TOKENS));
    expect(Object.fromEntries(new URLSearchParams(server.bodies[0]))).toEqual({
      grant_type: 'refresh_token',
      client_id: settings.clientId,
      client_secret: 'the secret of the app registration',
      refresh_token: 'the refresh token',
      scope: `${GRAPH}/Mail.Read openid profile offline_access`,
    });
    expect(server.paths.filter((path) => path.includes('?'))).toEqual([]);
  });

  it('reads tokens, life and scopes from the answer', async () => {
    const answer = await client().refresh(
      replies(200, {
        ...TOKENS,
        scope: `${GRAPH}/Mail.Read User.Read openid`,
        refresh_token: 'rt',
        id_token: 'it',
      }),
    );
    expect(answer).toEqual({
      ok: true,
      tokens: {
        accessToken: 'at',
        expiresIn: 3600,
        scope: ['Mail.Read', 'User.Read'],
        refreshToken: 'rt',
        idToken: 'it',
        tokenType: 'Bearer',
      },
    });
  });

  it('no scope in the answer means what was asked; no or an empty successor means none', async () => {
    const { scope: _, ...silent } = TOKENS;
    for (const refreshToken of [undefined, '', null, 5]) {
      const answer = await client().refresh(replies(200, { ...silent, refresh_token: refreshToken }));
      expect(answer).toEqual({
        ok: true,
        tokens: { accessToken: 'at', expiresIn: 3600, scope: ['Mail.Read'], tokenType: 'Bearer' },
      });
    }
  });

  it('is one call: a failure is not tried again', async () => {
    await client().refresh(replies(503, {}));
    expect(server.bodies).toHaveLength(1);
  });
});

describe('expires_in', () => {
  it.each([
    [3600, 3600],
    ['3600', 3600],
    [1, 1],
    [90.9, 90],
    [86_401, 86_400],
    [1e300, 86_400],
    [undefined, 300],
    [null, 300],
    [0, 300],
    [0.5, 300],
    [-1, 300],
    ['0', 300],
    ['-5', 300],
    ['', 300],
    ['1e300', 300],
    ['0x10', 300],
    ['3600s', 300],
    ['99999999999', 300],
    [[3600], 300],
    [{}, 300],
    [true, 300],
  ])('%j is taken as %i seconds', async (given, seconds) => {
    expect(await lifeOf(given)).toBe(seconds);
  });

  it('a number JSON can hold and JavaScript cannot is taken as nonsense', async () => {
    const answer = await client().refresh((_, response) => {
      response.writeHead(200).end('{"access_token":"at","expires_in":1e999}');
    });
    expect(answer.ok && answer.tokens.expiresIn).toBe(300);
  });
});
