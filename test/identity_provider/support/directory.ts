import type { DirectoryFile } from '../../../local/identity_provider/directory/types.js';

export const TID = '11111111-1111-4111-8111-111111111111';
export const OTHER_TID = '99999999-9999-4999-8999-999999999999';
export const GRAPH_URI = 'https://graph.microsoft.test';
export const GRAPH = '00000003-0000-4000-8000-000000000000';
export const BROKER = '22222222-2222-4222-8222-222222222222';
export const REPORT = '33333333-3333-4333-8333-333333333333';
export const ORDERS = '44444444-4444-4444-8444-444444444444';
export const PUBLIC = '55555555-5555-4555-8555-555555555555';
export const MULTI = '66666666-6666-4666-8666-666666666666';
export const FOREIGN = '77777777-7777-4777-8777-777777777777';
export const IDENTITY = '88888888-8888-4888-8888-888888888888';
export const SYSTEM_IDENTITY = '88888888-8888-4888-8888-888888888889';
export const ALICE = 'aaaaaaaa-0000-4000-8000-000000000001';
export const BOB = 'aaaaaaaa-0000-4000-8000-000000000002';
export const AUDRA = 'aaaaaaaa-0000-4000-8000-000000000003';
export const GUEST = 'aaaaaaaa-0000-4000-8000-000000000004';
export const SECRET = 'broker-secret-+/=%&-canary';
export const REDIRECT = 'http://localhost:8080/.auth/login/aad/callback';

/** Two tenants, four users and apps of every kind the rules speak of. */
export const directory: DirectoryFile = {
  default_resource: GRAPH_URI,
  tenants: [
    { tid: TID, domain: 'contoso.test', name: 'Contoso' },
    { tid: OTHER_TID, domain: 'fabrikam.test', name: 'Fabrikam' },
  ],
  users: [
    {
      name: 'Alice Adams',
      upn: 'alice@contoso.test',
      email: 'alice.adams@contoso.test',
      oid: ALICE,
      tid: TID,
    },
    { name: 'Bob <b>', upn: 'bob@contoso.test', oid: BOB, tid: TID, groups: ['staff'] },
    { name: 'Audra', upn: 'audra@contoso.test', oid: AUDRA, tid: TID, roles: { [BROKER]: ['Audit.Read'] } },
    { name: 'Guido', upn: 'guido@fabrikam.test', oid: GUEST, tid: OTHER_TID },
  ],
  apps: [
    {
      app_id: GRAPH,
      name: 'Graph',
      tid: TID,
      secrets: [],
      redirect_uris: [],
      app_id_uri: GRAPH_URI,
      scopes: ['User.Read', 'Mail.Read', 'Mail.Send'],
      roles: ['User.RevokeSessions.All'],
    },
    {
      app_id: BROKER,
      name: 'Token broker',
      tid: TID,
      secrets: [SECRET, { value: 'old-secret', expires: '2026-01-01T00:00:00Z' }],
      redirect_uris: [REDIRECT, 'https://app.contoso.test/cb?x=1'],
      logout_uris: ['http://localhost:8080/.auth/logout/complete'],
      app_id_uri: 'api://token-broker',
      scopes: ['access_as_user'],
      roles: ['Audit.Read'],
      token_version: 2,
      idtyp: true,
      federated_credentials: [{ managed_identity: IDENTITY }],
      app_role_grants: { [GRAPH]: ['User.RevokeSessions.All'] },
    },
    {
      app_id: REPORT,
      name: 'Nightly report',
      tid: TID,
      secrets: ['report-secret'],
      redirect_uris: ['http://localhost:9999/cb'],
      app_role_grants: { [BROKER]: ['Audit.Read'] },
      consents: [{ resource: 'api://orders', scopes: ['orders.read'] }],
    },
    {
      app_id: ORDERS,
      name: 'Orders',
      tid: TID,
      secrets: ['orders-secret'],
      redirect_uris: [],
      app_id_uri: 'api://orders',
      scopes: ['orders.read', 'orders.write'],
      pre_authorized: [BROKER],
    },
    { app_id: PUBLIC, name: 'Public', tid: TID, secrets: [], redirect_uris: [REDIRECT] },
    {
      app_id: MULTI,
      name: 'Multi',
      tid: TID,
      multi_tenant: true,
      secrets: ['multi-secret'],
      redirect_uris: [REDIRECT],
    },
    {
      app_id: FOREIGN,
      name: 'Foreign',
      tid: OTHER_TID,
      secrets: ['foreign-secret'],
      redirect_uris: [REDIRECT],
    },
  ],
  managed_identities: [
    { client_id: IDENTITY, name: 'broker-id', tid: TID, app_role_grants: { [BROKER]: ['Audit.Read'] } },
    { client_id: SYSTEM_IDENTITY, name: 'system-id', tid: TID, system_assigned: true },
  ],
};
