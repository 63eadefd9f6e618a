import { describe, expect, it } from 'vitest';
import {
  appInTenant,
  createDirectory,
  servicePrincipalId,
} from '../../local/identity_provider/directory/directory.js';
import {
  checkDirectory,
  DirectoryError,
  parseDirectory,
} from '../../local/identity_provider/directory/load.js';
import { ALICE, BROKER, directory, FOREIGN, GRAPH_URI, OTHER_TID, TID } from './support/directory.js';

function problemsOf(value: unknown): readonly string[] {
  try {
    checkDirectory(value);
    return [];
  } catch (error) {
    if (error instanceof DirectoryError) return error.problems;
    throw error;
  }
}

const [tenant] = directory.tenants;
const [alice] = directory.users;
const [graph, broker] = directory.apps;

describe('the directory file', () => {
  it('is taken when whole', () => {
    expect(problemsOf(directory)).toEqual([]);
  });

  it('is refused with every problem of shape, by place and never by value', () => {
    const problems = problemsOf({
      tenants: [{ ...tenant, tid: 'secret-canary' }],
      users: [{ ...alice, typo: 1 }],
      apps: [{ ...broker, secrets: 'secret-canary', token_version: 3 }],
    });
    expect(problems).toEqual([
      expect.stringContaining("the document must have required property 'default_resource'"),
      expect.stringContaining('tenants/0/tid must match pattern'),
      expect.stringContaining('users/0 must NOT have additional properties (typo)'),
      expect.stringContaining('apps/0/secrets must be array'),
      expect.stringContaining('apps/0/token_version must be equal to one of the allowed values'),
    ]);
    expect(problems.join()).not.toContain('canary');
  });

  it('is refused for every problem between entries', () => {
    const users = [
      { ...alice, tid: '12345678-1234-4234-8234-123456789012', roles: { [BROKER]: ['Nope'] } },
      alice,
    ];
    const apps = [
      graph,
      {
        ...broker,
        redirect_uris: ['http://evil.test/cb', 'relative', 'https://a.test/#x'],
        pre_authorized: [ALICE],
        consents: [{ resource: GRAPH_URI, scopes: ['Nope'] }],
      },
      {
        ...broker,
        federated_credentials: [{ managed_identity: ALICE }],
        app_role_grants: { [ALICE]: ['x'] },
      },
    ];
    const problems = problemsOf({ default_resource: 'api://none', tenants: directory.tenants, users, apps });
    expect(problems).toEqual(
      expect.arrayContaining([
        'users/1/oid repeats users/0/oid',
        'users/1/upn repeats users/0/upn',
        'apps/2/app_id repeats apps/1/app_id',
        'apps/2/app_id_uri repeats apps/1/app_id_uri',
        'users/0/tid is not a tenant',
        'users/0/roles names a role that app does not expose',
        'apps/1/redirect_uris/0 is plain http and not a loopback address',
        'apps/1/redirect_uris/1 is not an absolute URI',
        'apps/1/redirect_uris/2 has a fragment',
        'apps/1/pre_authorized/0 is not the app_id of an app',
        'apps/1/consents/0/scopes names a scope that resource does not expose',
        'apps/2/federated_credentials/0 is not the client_id of a managed identity',
        'apps/2/app_role_grants names an app that is not in apps',
        'default_resource is not the app_id_uri of an app',
      ]),
    );
  });

  it('is refused when it is not JSON', () => {
    expect(() => parseDirectory('{')).toThrow('the document is not JSON');
  });
});

describe('look-ups', () => {
  const known = createDirectory(directory);

  it('find tenants by GUID or domain and users by upn, e-mail or object id, whatever the case', () => {
    expect(known.tenant('CONTOSO.test')?.tid).toBe(TID);
    for (const hint of ['Alice@Contoso.test', 'alice.adams@contoso.test', ALICE]) {
      expect(known.userByHint(hint)?.oid).toBe(ALICE);
    }
  });

  it('find a resource by its exact URI only, and only where it exists', () => {
    expect(known.resource(GRAPH_URI, TID)).toBeDefined();
    expect(known.resource(`${GRAPH_URI}/`, TID)).toBeUndefined();
    expect(known.resource(GRAPH_URI.toUpperCase(), TID)).toBeUndefined();
    expect(known.resource(GRAPH_URI, OTHER_TID)).toBeDefined();
    expect(known.resource('api://orders', OTHER_TID)).toBeUndefined();
  });

  it('a service principal has one GUID per app and tenant, for ever', () => {
    expect(servicePrincipalId(BROKER, TID)).toBe(servicePrincipalId(BROKER, TID));
    expect(servicePrincipalId(BROKER, TID)).not.toBe(servicePrincipalId(BROKER, OTHER_TID));
    expect(servicePrincipalId(BROKER, TID)).toMatch(
      /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    const foreign = known.app(FOREIGN);
    expect(foreign && appInTenant(foreign, TID)).toBe(false);
  });
});
