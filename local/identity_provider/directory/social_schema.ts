import { PERSONALITIES } from './social.js';

const text = { type: 'string', minLength: 1, maxLength: 500 } as const;
const word = { type: 'string', pattern: '^[!#-\\[\\]-~]{1,200}$' } as const;
const flag = { type: 'boolean' } as const;

function closed(required: readonly string[], properties: Record<string, object>): object {
  return { type: 'object', required, properties, additionalProperties: false };
}

const publicKey = {
  anyOf: [
    { type: 'string', pattern: '^-----BEGIN PUBLIC KEY-----' },
    closed(['kty', 'crv', 'x', 'y'], {
      kty: { const: 'EC' },
      crv: { const: 'P-256' },
      x: text,
      y: text,
      kid: text,
      alg: { const: 'ES256' },
      use: { const: 'sig' },
    }),
  ],
};

const ids = closed([], {
  google: { type: 'string', pattern: '^\\d{21}$' },
  facebook: { type: 'string', pattern: '^\\d{5,20}$' },
  twitter: { type: 'string', pattern: '^\\d{1,19}$' },
  x2: { type: 'string', pattern: '^\\d{1,19}$' },
  github: { type: 'string', pattern: '^[1-9]\\d{0,14}$' },
  apple: { type: 'string', pattern: '^\\d{6}\\.[0-9a-f]{32}\\.\\d{4}$' },
});

const user = closed(['oid'], {
  oid: word,
  handle: { type: 'string', pattern: '^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9])?$' },
  email: word,
  email_verified: flag,
  hosted_domain: { anyOf: [word, { type: 'null' }] },
  hide_email: flag,
  ids,
});

const app = closed(['personality', 'client_id', 'redirect_uris'], {
  personality: { enum: PERSONALITIES },
  client_id: word,
  name: text,
  secret: text,
  public_key: publicKey,
  key_id: word,
  team_id: word,
  redirect_uris: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 2000 }, minItems: 1 },
  options: closed([], {
    expiring_tokens: flag,
    require_appsecret_proof: flag,
    testing: flag,
    throttle_refresh: flag,
  }),
});

/** JSON Schema of the `social` member. What depends on the personality is checked by `socialProblems`. */
export const socialSchema = closed(['apps'], {
  users: { type: 'array', items: user },
  apps: { type: 'array', items: app },
});
