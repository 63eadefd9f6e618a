import { aliceOid, clientId, clientSecret, tid } from './scripted_provider.js';

export const graph = 'https://graph.microsoft.test';
export const audra = 'aaaaaaaa-0000-4000-8000-000000000003';
export const job = '33333333-3333-4333-8333-333333333333';

/** A directory of the embedded provider: Alice, Audra with a role, the gateway's app for these ports, and a job. */
export const directoryOf = (...ports: readonly number[]) => ({
  default_resource: graph,
  tenants: [{ tid, domain: 'contoso.test', name: 'Contoso' }],
  users: [
    { name: 'Alice', upn: 'alice@contoso.test', email: 'alice@contoso.test', oid: aliceOid, tid },
    { name: 'Audra', upn: 'audra@contoso.test', oid: audra, tid, roles: { [clientId]: ['Audit.Read'] } },
  ],
  apps: [
    {
      app_id: '00000003-0000-4000-8000-000000000000',
      name: 'Graph',
      tid,
      secrets: [],
      redirect_uris: [],
      app_id_uri: graph,
      scopes: ['User.Read', 'Mail.Read'],
    },
    {
      app_id: clientId,
      name: 'Token broker',
      tid,
      secrets: [clientSecret],
      redirect_uris: ports.map((port) => `http://localhost:${port}/.auth/login/aad/callback`),
      logout_uris: ports.map((port) => `http://localhost:${port}/.auth/logout/complete`),
      app_id_uri: 'api://token-broker',
      scopes: ['access_as_user'],
      roles: ['Audit.Read'],
      token_version: 2,
      idtyp: true,
      consents: [{ resource: graph, scopes: ['User.Read'] }],
    },
    {
      app_id: job,
      name: 'Job',
      tid,
      secrets: ['job-secret'],
      redirect_uris: [],
      app_role_grants: { [clientId]: ['Audit.Read'] },
    },
  ],
});
