import { forge, newKey, type SigningKey, sign, TENANT } from './issuer.js';
import { replies, type Script, startScripted } from './scripted_server.js';

export const APP_ID = '22222222-2222-4222-8222-222222222222';

export interface Entra {
  readonly issuer: string;
  /** What it signs with. */
  readonly key: SigningKey;
  /** Paths of all requests, in order. */
  readonly paths: readonly string[];
  /** Forms sent to the token endpoint, in order. */
  readonly forms: string[];
  /** Answers the token endpoint from now on; without a script all goes well. */
  answers(script?: Script): void;
  /** Scopes handed out with every token beyond what was asked. */
  wider: readonly string[];
  /** What is said of a user, by oid, in the ID token of every refresh from now on. */
  readonly says: Map<string, Readonly<Record<string, unknown>>>;
  /** An ID token of a user, valid at a time in ms. */
  idToken(oid: string, now: number, more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** A user's access token for the broker's own API. */
  userToken(oid: string, now: number, more?: Readonly<Record<string, unknown>>): Promise<string>;
  /** An app-only token for the broker. */
  appToken(appId: string, now: number, more?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

/** An Entra of a few lines over real HTTP, for one tenant. Refresh tokens read `rt.{oid}.{number}`. */
export async function startEntra(): Promise<Entra> {
  const server = await startScripted();
  const key: SigningKey = await newKey('k1');
  const issuer = `${server.origin}/${TENANT}/v2.0`;
  let script: Script | undefined;
  let issued = 0;
  const base = (now: number) => ({
    iss: issuer,
    aud: APP_ID,
    tid: TENANT,
    iat: now / 1000 - 10,
    nbf: now / 1000 - 10,
    exp: now / 1000 + 3600,
  });
  const refreshed: Script = (_, response, body) => {
    const form = new URLSearchParams(body);
    const oid = (form.get('refresh_token') ?? '').split('.')[1] ?? '';
    const number = ++issued;
    const scope = [...(form.get('scope') ?? '').split(' '), ...entra.wider].join(' ');
    const idToken = forge({ alg: 'none' }, { ...base(0), oid, ...entra.says.get(oid) });
    const tokens = {
      access_token: `at.${oid}.${number}`,
      refresh_token: `rt.${oid}.${number}`,
      id_token: idToken,
    };
    replies(200, { ...tokens, token_type: 'Bearer', expires_in: 3600, scope })(_, response, body);
  };
  server.answer((request, response, body) => {
    const origin = server.origin;
    const path = request.url ?? '';
    const document = { issuer, token_endpoint: `${origin}/token`, jwks_uri: `${origin}/keys` };
    if (path === '/token') (script ?? refreshed)(request, response, body);
    else if (path === '/keys') replies(200, { keys: [key.publicJwk] })(request, response, body);
    else replies(200, document)(request, response, body);
  });
  const entra: Entra = {
    issuer,
    key,
    paths: server.paths,
    forms: server.bodies,
    wider: [],
    says: new Map(),
    answers: (given) => {
      script = given;
    },
    idToken: (oid, now, more = {}) =>
      sign(key, { ...base(now), sub: `pairwise-${oid}`, oid, name: oid, ...more }),
    userToken: (oid, now, more = {}) =>
      sign(key, {
        ...base(now),
        aud: 'api://token-broker',
        sub: `pairwise-${oid}`,
        oid,
        scp: 'access',
        ...more,
      }),
    appToken: (appId, now, more = {}) =>
      sign(key, {
        ...base(now),
        aud: 'api://token-broker',
        sub: `sp-${appId}`,
        oid: `sp-${appId}`,
        azp: appId,
        idtyp: 'app',
        ...more,
      }),
    close: () => server.close(),
  };
  return entra;
}
