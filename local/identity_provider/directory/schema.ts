import { socialSchema } from './social_schema.js';

const guid = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$',
} as const;
const text = { type: 'string', minLength: 1, maxLength: 500 } as const;
const word = { type: 'string', pattern: '^[!#-\\[\\]-~]{1,200}$' } as const;
const words = { type: 'array', items: word, uniqueItems: true } as const;
const rolesByApp = { type: 'object', propertyNames: guid, additionalProperties: words } as const;
const uris = { type: 'array', items: { type: 'string', minLength: 1, maxLength: 2000 } } as const;

function closed(required: readonly string[], properties: Record<string, object>): object {
  return { type: 'object', required, properties, additionalProperties: false };
}

const secret = {
  anyOf: [
    text,
    closed(['value'], { value: text, expires: { type: 'string', pattern: '^\\d{4}-\\d{2}-\\d{2}T' } }),
  ],
};
const publicKey = {
  type: 'object',
  required: ['kty', 'n', 'e'],
  properties: { kty: { const: 'RSA' }, n: text, e: text, kid: text, x5t: text, 'x5t#S256': text },
  not: { required: ['d'] },
};

const tenant = closed(['tid', 'domain', 'name'], { tid: guid, domain: word, name: text });
const user = closed(['name', 'upn', 'oid', 'tid'], {
  name: text,
  upn: word,
  email: word,
  oid: guid,
  tid: guid,
  roles: rolesByApp,
  groups: words,
});
const app = closed(['app_id', 'name', 'tid', 'secrets', 'redirect_uris'], {
  app_id: guid,
  name: text,
  tid: guid,
  multi_tenant: { type: 'boolean' },
  secrets: { type: 'array', items: secret },
  keys: { type: 'array', items: publicKey },
  federated_credentials: { type: 'array', items: closed(['managed_identity'], { managed_identity: guid }) },
  redirect_uris: uris,
  logout_uris: uris,
  app_id_uri: word,
  scopes: words,
  roles: words,
  token_version: { enum: [1, 2] },
  idtyp: { type: 'boolean' },
  app_role_grants: rolesByApp,
  consents: { type: 'array', items: closed(['resource', 'scopes'], { resource: word, scopes: words }) },
  pre_authorized: { type: 'array', items: guid },
});
const managedIdentity = closed(['client_id', 'name', 'tid'], {
  client_id: guid,
  name: text,
  tid: guid,
  system_assigned: { type: 'boolean' },
  app_role_grants: rolesByApp,
});

/** JSON Schema of the directory file. What crosses from one entry to another is checked by `crossProblems`. */
export const directorySchema = closed(['default_resource', 'tenants', 'users', 'apps'], {
  default_resource: word,
  tenants: { type: 'array', items: tenant, minItems: 1 },
  users: { type: 'array', items: user },
  apps: { type: 'array', items: app, minItems: 1 },
  managed_identities: { type: 'array', items: managedIdentity },
  social: socialSchema,
});
