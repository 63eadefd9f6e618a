import { afterAll, beforeAll, beforeEach } from 'vitest';
import { createHttpClient, type HttpClient } from '../../../shared/adapters/http_client.js';
import { createCredentialForm } from '../../../shared/adapters/provider/app_credential.js';
import { createProviderDocuments } from '../../../shared/adapters/provider/metadata.js';
import { createProvider } from '../../../shared/adapters/provider/provider.js';
import type { Facade } from '../../../shared/policy.js';
import type { ProviderAnswer } from '../../../shared/ports.js';
import { aad } from '../../../shared/providers/aad.js';
import { settings, TENANT } from './issuer.js';
import { GRAPH, someone } from './samples.js';
import { replies, type Script, type ScriptedServer, startScripted } from './scripted_server.js';

export const target = { resource: GRAPH, scope: ['Mail.Read'] };
export const ALICE = someone('alice');
export const TOKENS = {
  access_token: 'at',
  token_type: 'Bearer',
  expires_in: 3600,
  scope: `${GRAPH}/Mail.Read`,
};

export let server: ScriptedServer;

/** A scripted provider for the tests of a file. */
export function withScriptedProvider(): void {
  beforeAll(async () => {
    server = await startScripted();
  });
  afterAll(() => server.close());
  beforeEach(() => {
    server.bodies.length = 0;
    server.paths.length = 0;
  });
}

/** The real client against the server, with short time-outs and the metadata in place. */
export function client(
  metadata: Partial<Record<string, unknown>> = {},
  { credential = settings.credential, facades = new Map<string, Facade>() } = {},
) {
  const real = createHttpClient();
  const http: HttpClient = (request) => real({ ...request, timeoutMs: Math.min(request.timeoutMs, 300) });
  const issuer = `${server.origin}/${TENANT}/v2.0`;
  const mine = { ...settings, issuer, credential };
  const documents = createProviderDocuments(mine, { http, clock: () => 0 });
  const provider = createProvider(new Map([['aad', { settings: mine, rules: aad, documents }]]), {
    http,
    credentialForm: createCredentialForm(async (clientId, audience) => `mi:${clientId}:${audience}`),
    facades,
  });
  const document = {
    issuer,
    token_endpoint: `${server.origin}/token`,
    jwks_uri: `${server.origin}/keys`,
    ...metadata,
  };
  return {
    provider,
    documents,
    async refresh(script: Script): Promise<ProviderAnswer> {
      server.answer((request, response, body) => {
        if (request.url === '/token') script(request, response, body);
        else replies(200, document)(request, response, body);
      });
      return provider.refresh(ALICE, 'the refresh token', target);
    },
  };
}
