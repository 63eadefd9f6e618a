import { HttpRequest } from '@azure/functions';
import { describe, expect, it } from 'vitest';
import { createBrowser } from './support/browser.js';
import type { Seen } from './support/echo_app.js';
import { aliceOid, clientId, tid } from './support/scripted_provider.js';
import { useStack } from './support/stack.js';

const stack = useStack();
const at = (path: string) => `${stack().gateway.url}${path}`;

/** The request as a function of the programming model's own library sees it. */
function inFunction({ headers }: Seen): HttpRequest {
  const flat = Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.join(', ')]));
  return new HttpRequest({ method: 'GET', url: 'http://localhost/api', headers: flat });
}

describe('§10 a function on Node behind the gateway [M]', () => {
  it('§10 reads a signed-in user with request.user, all four headers being there', async () => {
    const browser = createBrowser();
    await browser.signIn(at('/.auth/login/aad'));
    const { user } = inFunction((await browser.ask(at('/api'))).json<Seen>());
    expect(user).toMatchObject({
      type: 'AppService',
      id: aliceOid,
      username: 'alice@contoso.test',
      identityProvider: 'aad',
    });
  });

  it('§10 §11 an application calling as itself has no name header, for which request.user throws', async () => {
    const token = await stack().provider.sign({ aud: clientId, sub: 'app', oid: 'app', tid, idtyp: 'app' });
    const headers = { authorization: `Bearer ${token}` };
    const seen = (await createBrowser().ask(at('/api'), { headers })).json<Seen>();
    expect(seen.headers['x-ms-client-principal-name']).toBeUndefined();
    expect(() => inFunction(seen).user).toThrow();
  });

  it('§10 sees nobody on a path without authentication, whatever was sent', async () => {
    const headers = { 'x-ms-client-principal': Buffer.from('{"auth_typ":"aad"}').toString('base64') };
    const seen = (await createBrowser().ask(at('/public/x'), { headers })).json<Seen>();
    expect(inFunction(seen).user).toBeNull();
  });

  it('§10 a function key goes to the app as it came', async () => {
    const headers = { 'x-functions-key': 'a-key' };
    const seen = (await createBrowser().ask(at('/public/x?code=another'), { headers })).json<Seen>();
    expect([seen.headers['x-functions-key'], seen.url]).toEqual([['a-key'], '/public/x?code=another']);
  });
});
