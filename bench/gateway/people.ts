export const tid = '11111111-1111-4111-8111-111111111111';
export const clientId = '22222222-2222-4222-8222-222222222222';
export const clientSecret = 'a-secret-for-measuring';
export const loginHint = 'alice@contoso.test';

const roles = ['Read'];

/** A directory with one user whose tokens and claims come to about 5 kB of headers. */
export function directoryFor(gatewayPort: number, apachePort: number): unknown {
  return {
    default_resource: 'https://graph.microsoft.test',
    tenants: [{ tid, domain: 'contoso.test', name: 'Contoso' }],
    users: [
      {
        name: 'Alice Archer',
        upn: loginHint,
        email: loginHint,
        oid: 'aaaaaaaa-0000-4000-8000-000000000001',
        tid,
        roles: { [clientId]: roles },
      },
    ],
    apps: [
      {
        app_id: '00000003-0000-4000-8000-000000000000',
        name: 'Graph',
        tid,
        secrets: [],
        redirect_uris: [],
        app_id_uri: 'https://graph.microsoft.test',
        scopes: ['User.Read'],
      },
      {
        app_id: clientId,
        name: 'Measured app',
        tid,
        secrets: [clientSecret],
        redirect_uris: [
          `http://localhost:${gatewayPort}/.auth/login/aad/callback`,
          `http://localhost:${apachePort}/callback`,
        ],
        app_id_uri: 'api://measured',
        scopes: ['access_as_user'],
        roles,
        token_version: 2,
        consents: [{ resource: 'https://graph.microsoft.test', scopes: ['User.Read'] }],
      },
    ],
  };
}
