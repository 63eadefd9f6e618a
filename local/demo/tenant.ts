import { socialDirectory } from './social.js';

/** Who and what the local identity provider knows: the demo's users and app registrations. */
export const TENANT = {
  tid: '11111111-1111-4111-8111-111111111111',
  domain: 'contoso.test',
  name: 'Contoso',
};

export const GRAPH = 'https://graph.microsoft.test';
export const ORDERS = 'api://orders';

/** Easy Auth's app registration, and so the broker's. */
export const GATEWAY_APP = {
  appId: '22222222-2222-4222-8222-222222222222',
  appIdUri: 'api://token-broker',
  auditorRole: 'Audit.Read',
};

/** A second app registration with less consent, which the broker acts as; it trusts the app's managed identity and has no secret. */
export const READER_APP = {
  appId: '55555555-5555-4555-8555-555555555555',
  appIdUri: 'api://graph-reader',
  managedIdentity: '66666666-6666-4666-8666-666666666666',
};

export interface DemoUser {
  readonly name: string;
  readonly loginHint: string;
  readonly oid: string;
  readonly auditor: boolean;
}

export const USERS: readonly DemoUser[] = [
  user('Alice', 'a11ce000-0000-4000-8000-000000000001'),
  user('Bob', 'b0b00000-0000-4000-8000-000000000002'),
  { ...user('Audra', 'a0d5a000-0000-4000-8000-000000000003'), auditor: true },
];

function user(name: string, oid: string): DemoUser {
  return { name, loginHint: `${name.toLowerCase()}@${TENANT.domain}`, oid, auditor: false };
}

export interface DemoClient {
  readonly clientId: string;
  readonly name: string;
  readonly appId: string;
  /** The app setting its secret is in, named by `policy.json`. */
  readonly secretSetting: string;
}

export const CLIENTS = {
  nightlyReport: {
    clientId: 'nightly-report',
    name: 'Nightly report',
    appId: '33333333-3333-4333-8333-333333333333',
    secretSetting: 'CLIENT_NIGHTLY_REPORT_SECRET',
  },
  mailAgent: {
    clientId: 'mail-agent',
    name: 'Mail agent',
    appId: '44444444-4444-4444-8444-444444444444',
    secretSetting: 'CLIENT_MAIL_AGENT_SECRET',
  },
} as const satisfies Record<string, DemoClient>;

const GRAPH_APP = '00000003-0000-4000-8000-c00000000000';

export interface DirectoryOptions {
  readonly gatewayUrl: string;
  readonly secrets: { gatewayClient: string; nightlyReport: string; mailAgent: string; socialClient: string };
}

/** The directory file of the local identity provider. */
export function demoDirectory({ gatewayUrl, secrets }: DirectoryOptions): Record<string, unknown> {
  const { tid } = TENANT;
  const client = ({ appId, name }: DemoClient, secret: string) => ({
    app_id: appId,
    name,
    tid,
    secrets: [secret],
    redirect_uris: [],
  });
  return {
    default_resource: GRAPH,
    managed_identities: [{ client_id: READER_APP.managedIdentity, name: 'Token broker identity', tid }],
    tenants: [TENANT],
    users: USERS.map(({ name, loginHint, oid, auditor }) => ({
      name,
      upn: loginHint,
      email: loginHint,
      oid,
      tid,
      ...(auditor ? { roles: { [GATEWAY_APP.appId]: [GATEWAY_APP.auditorRole] } } : {}),
    })),
    apps: [
      {
        app_id: GATEWAY_APP.appId,
        name: 'Token broker',
        tid,
        secrets: [secrets.gatewayClient],
        redirect_uris: [`${gatewayUrl}/.auth/login/aad/callback`],
        logout_uris: [`${gatewayUrl}/.auth/logout/complete`],
        app_id_uri: GATEWAY_APP.appIdUri,
        scopes: ['user_impersonation'],
        roles: [GATEWAY_APP.auditorRole],
        token_version: 2,
        idtyp: true,
        consents: [{ resource: GRAPH, scopes: ['User.Read', 'Mail.Read'] }],
      },
      {
        app_id: GRAPH_APP,
        name: 'Contoso Graph',
        tid,
        secrets: [],
        redirect_uris: [],
        app_id_uri: GRAPH,
        scopes: ['User.Read', 'Mail.Read', 'Mail.Send'],
        token_version: 1,
      },
      {
        app_id: READER_APP.appId,
        name: 'Graph reader',
        tid,
        secrets: [],
        federated_credentials: [{ managed_identity: READER_APP.managedIdentity }],
        redirect_uris: [],
        app_id_uri: READER_APP.appIdUri,
        scopes: ['access_as_user'],
        pre_authorized: [GATEWAY_APP.appId],
        consents: [{ resource: GRAPH, scopes: ['User.Read'] }],
      },
      client(CLIENTS.nightlyReport, secrets.nightlyReport),
      client(CLIENTS.mailAgent, secrets.mailAgent),
    ],
    social: socialDirectory(gatewayUrl, secrets.socialClient),
  };
}
