import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { exportJWK, generateKeyPair } from 'jose';
import type { TestProject } from 'vitest/node';
import { READER_APP } from '../../local/demo/tenant.js';
import { removeTemporaryDirs, startStackProcess, temporaryDir } from '../support/stack_process.js';

declare module 'vitest' {
  export interface ProvidedContext {
    stateDir: string;
    /** Private JWK of the client `key-service`. */
    clientKey: string;
  }
}

/** Where nightly-report has its users sent back to; nobody listens there. */
export const CALLBACK = 'http://localhost:4000/callback';
export const ORDERS_API_SECRET = 'orders-api-secret-0123456789';

/** The demo's policy, with a resource server that is a client too, and a resource whose wider tokens are not handed on. */
const policy = (publicKey: object) => ({
  version: 1,
  resources: {
    'api://orders': { narrowing: 'minted', scopes: ['orders.read', 'orders.write'], maxTokenSeconds: 600 },
    'https://graph.microsoft.test': {
      narrowing: 'provider',
      provider: 'aad',
      scopes: ['User.Read', 'Mail.Read'],
      allowWider: false,
    },
    'https://graph.microsoft.test/profile': {
      narrowing: 'facade',
      provider: 'aad',
      scopes: ['User.Read'],
      facade: {
        appId: READER_APP.appId,
        scope: `${READER_APP.appIdUri}/access_as_user`,
        managedIdentity: READER_APP.managedIdentity,
        resource: 'https://graph.microsoft.test',
      },
    },
  },
  clients: {
    'nightly-report': {
      auth: {
        secretSetting: 'CLIENT_NIGHTLY_REPORT_SECRET',
        entraAppId: '33333333-3333-4333-8333-333333333333',
      },
      resources: {
        'api://orders': ['orders.read', 'orders.write'],
        'https://graph.microsoft.test': ['User.Read', 'Mail.Read'],
        'https://graph.microsoft.test/profile': ['User.Read'],
      },
      actors: ['mail-agent'],
      redirectUris: [CALLBACK],
    },
    'mail-agent': {
      auth: { secretSetting: 'CLIENT_MAIL_AGENT_SECRET', entraAppId: '44444444-4444-4444-8444-444444444444' },
      resources: { 'api://orders': ['orders.read'] },
      redirectUris: [CALLBACK],
    },
    'orders-api': {
      auth: { secretSetting: 'CLIENT_ORDERS_API_SECRET' },
      resources: { 'api://orders': ['orders.read', 'orders.write'] },
      serves: ['api://orders'],
    },
    'small-job': {
      auth: { secretSetting: 'CLIENT_ORDERS_API_SECRET' },
      resources: { 'api://orders': ['orders.read'] },
      grantTypes: ['refresh_token'],
      limits: { perMinute: 2 },
    },
    'key-service': {
      auth: { publicKeys: [publicKey] },
      resources: { 'api://orders': ['orders.read'] },
    },
  },
});

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const file = join(temporaryDir(), 'policy.json');
  writeFileSync(file, JSON.stringify(policy({ ...(await exportJWK(publicKey)), kid: 'key-1' })));
  const stack = startStackProcess({
    env: { BROKER_POLICY_FILE: file, CLIENT_ORDERS_API_SECRET: ORDERS_API_SECRET },
  });
  await stack.ready;
  project.provide('stateDir', stack.stateDir);
  project.provide('clientKey', JSON.stringify(await exportJWK(privateKey)));
  return async () => {
    await stack.stop();
    removeTemporaryDirs();
  };
}
