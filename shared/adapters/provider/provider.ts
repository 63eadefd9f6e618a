import type { ProviderSettings } from '../../config.js';
import type { Provider } from '../../ports.js';
import type { ProviderRules } from '../../providers/rules.js';
import type { ProviderClient } from './client.js';
import type { ProviderDocuments } from './metadata.js';
import { createTenantsClient } from './tenants_client.js';
import { createTokenClient, type TokenClientDeps } from './token_client.js';

export interface ConfiguredProvider {
  readonly settings: ProviderSettings;
  readonly rules: ProviderRules;
  /** Absent where the provider is no OpenID provider. */
  readonly documents?: ProviderDocuments;
  /** Where users of several tenants sign in: the provider as each of them has it, with an issuer and keys of its own. */
  readonly tenants?: ReadonlyMap<string, ConfiguredProvider>;
  /** Where the credential is no refresh token that we redeem ourselves. */
  readonly client?: ProviderClient;
}

/** A provider whose refresh tokens we redeem ourselves. */
export type TokenProvider = ConfiguredProvider & { readonly documents: ProviderDocuments };

/** The providers' clients, by name. */
export function createProvider(
  providers: ReadonlyMap<string, ConfiguredProvider>,
  deps: TokenClientDeps,
): Provider {
  const clients = new Map([...providers].map(([name, provider]) => [name, clientOf(provider, deps)]));
  const named = (name: string): ProviderClient => {
    const client = clients.get(name);
    if (!client) throw new Error('a connection names a provider that is not configured');
    return client;
  };
  return {
    refresh: async (subject, credential, target) =>
      named(subject.provider).refresh(credential, target, subject),
    prove: async (subject, credential) => named(subject.provider).prove(credential, subject),
    revoke: async (name, credential) => named(name).revoke(credential),
    check: async (name) => named(name).check(),
  };
}

/** The provider as a tenant has it; undefined for a tenant that is not one of its own. */
export function inTenant(
  provider: ConfiguredProvider,
  tenant: string | undefined,
): ConfiguredProvider | undefined {
  return provider.tenants ? provider.tenants.get(tenant ?? '') : provider;
}

function clientOf(provider: ConfiguredProvider, deps: TokenClientDeps): ProviderClient {
  if (provider.client) return provider.client;
  if (provider.tenants) return createTenantsClient(provider.tenants, (each) => clientOf(each, deps));
  const { documents } = provider;
  if (!documents) throw new TypeError('a provider has neither metadata nor a client of its own');
  return createTokenClient({ ...provider, documents }, deps);
}
