import type { Target } from '../../domain/connection.js';
import type { Subject } from '../../domain/subject.js';
import type { Provider, ProviderAnswer } from '../../ports.js';

/** One provider's part of the port {@link Provider}. */
export interface ProviderClient {
  refresh(credential: string, target: Target, subject: Subject): Promise<ProviderAnswer>;
  prove(credential: string, subject: Subject): Promise<ProviderAnswer>;
  revoke(credential: string): ReturnType<Provider['revoke']>;
  check(): Promise<void>;
}
