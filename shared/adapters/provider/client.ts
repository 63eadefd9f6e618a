import type { Target } from '../../domain/connection.js';
import type { Provider, ProviderAnswer } from '../../ports.js';

/** One provider's part of the port {@link Provider}. */
export interface ProviderClient {
  refresh(credential: string, target: Target): Promise<ProviderAnswer>;
  prove(credential: string): Promise<ProviderAnswer>;
  revoke(credential: string): ReturnType<Provider['revoke']>;
  check(): Promise<void>;
}
