import { createServer } from 'node:http';
import { errors, type JWK, Provider } from 'oidc-provider';

/** `oidc-provider` on Node's own server, its token exchange a grant type that hands out a token it has in memory: the peer to compare with. */
const port = Number(process.env.PORT);
const issuer = `http://127.0.0.1:${port}`;
const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const key = JSON.parse(process.env.BENCH_PUBLIC_KEY ?? '{}') as JWK;
const TOKEN = 'x'.repeat(1200);

const common = { grant_types: [EXCHANGE], redirect_uris: [], response_types: [] };
const provider = new Provider(issuer, {
  clients: [
    {
      ...common,
      client_id: 'by-secret',
      client_secret: process.env.BENCH_SECRET ?? '',
      token_endpoint_auth_method: 'client_secret_post',
    },
    {
      ...common,
      client_id: 'by-key',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [key] },
    },
  ],
  features: { devInteractions: { enabled: false } },
});
const cached = new Map([
  [process.env.BENCH_SUBJECT_TOKEN ?? '', { token: TOKEN, until: Date.now() + 3_600_000 }],
]);

provider.registerGrantType(
  EXCHANGE,
  async (ctx) => {
    const held = cached.get(String(ctx.oidc.params?.subject_token));
    if (!held || held.until < Date.now()) throw new errors.InvalidGrant('the token is not known');
    ctx.body = {
      access_token: held.token,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
      expires_in: Math.floor((held.until - Date.now()) / 1000),
      scope: 'Mail.Read',
    };
  },
  ['subject_token', 'subject_token_type', 'resource', 'scope'],
);

createServer(provider.callback()).listen(port, '127.0.0.1', () => {
  process.stdout.write(`listening url=${issuer}\n`);
});
