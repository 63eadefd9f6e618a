import { createServer } from 'node:http';
import Provider, { type Configuration } from 'oidc-provider';
import { freePort } from '../../../easyauth/free_port.js';
import type { Answer, Browser } from './browser.js';

export const customClient = 'custom-client';
export const customSecret = 'S3cret~custom-canary';

export interface CertifiedProvider {
  readonly issuer: string;
  /** The form members of each token request. */
  readonly tokenCalls: URLSearchParams[];
  close(): Promise<void>;
}

/** The certified server, unmodified, with one client that returns to `callback` and its own development sign-in pages. */
export async function startCertifiedProvider(
  callback: string,
  more: Configuration = {},
): Promise<CertifiedProvider> {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const configuration: Configuration = {
    clients: [
      {
        client_id: customClient,
        client_secret: customSecret,
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        token_endpoint_auth_method: 'client_secret_post',
      },
    ],
    claims: { openid: ['sub'], email: ['email'], profile: ['name', 'nickname', 'groups'] },
    conformIdTokenClaims: false,
    findAccount: (_context, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        email: `${id}@certified.test`,
        name: `The ${id}`,
        nickname: id,
        groups: ['staff', 'night'],
      }),
    }),
    pkce: { required: () => false },
    ...more,
  };
  const provider = new Provider(issuer, configuration);
  const tokenCalls: URLSearchParams[] = [];
  provider.on('grant.success', (context) => {
    tokenCalls.push(
      new URLSearchParams(
        Object.entries(context.oidc.body ?? {}).map(([k, v]): [string, string] => [k, String(v)]),
      ),
    );
  });
  const server = createServer(provider.callback());
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    issuer,
    tokenCalls,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Signs in and consents on the server's own pages, up to the redirect that leaves it. */
export async function passCertifiedPages(person: Browser, address: string, login: string): Promise<string> {
  const { origin } = new URL(address);
  let answer: Answer = await person.ask(address);
  for (let round = 0; round < 10; round += 1) {
    const { location } = answer.headers;
    if (location !== undefined) {
      const next = new URL(String(location), origin);
      if (next.origin !== origin) return next.href;
      answer = await person.ask(next.href);
      continue;
    }
    const action = /<form[^>]*action="([^"]+)"/.exec(answer.text)?.[1] ?? '';
    const prompt = /name="prompt" value="([^"]+)"/.exec(answer.text)?.[1] ?? 'login';
    answer = await person.ask(new URL(action, origin).href, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ prompt, login, password: 'x' }).toString(),
    });
  }
  throw new Error(`the pages do not end: ${answer.status} ${answer.text.slice(0, 200)}`);
}
