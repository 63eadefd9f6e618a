import type { Subject } from '../../domain/subject.js';
import type { ProviderAnswer } from '../../ports.js';
import type { ProviderClient } from './client.js';
import type { ConfiguredProvider } from './provider.js';

/** Not one of the allowed tenants any more: an operator's decision, for this user alone, until it is taken back. */
const FOREIGN: ProviderAnswer = {
  ok: false,
  failure: { status: 400, error: 'tenant_not_allowed', codes: [] },
};

/** Each user at the endpoint of their own tenant: a shared one would choose a tenant by itself, and guests have several. */
export function createTenantsClient(
  tenants: ReadonlyMap<string, ConfiguredProvider>,
  clientOf: (provider: ConfiguredProvider) => ProviderClient,
): ProviderClient {
  const clients = new Map([...tenants].map(([tenant, provider]) => [tenant, clientOf(provider)]));
  const at = async (
    { tenant }: Subject,
    call: (client: ProviderClient) => Promise<ProviderAnswer>,
  ): Promise<ProviderAnswer> => {
    const client = clients.get(tenant);
    return client ? call(client) : FOREIGN;
  };
  return {
    refresh: (credential, target, subject) =>
      at(subject, (client) => client.refresh(credential, target, subject)),
    prove: (credential, subject) => at(subject, (client) => client.prove(credential, subject)),
    revoke: async () => 'not_supported',
    async check() {
      await Promise.any([...clients.values()].map((client) => client.check()));
    },
  };
}
