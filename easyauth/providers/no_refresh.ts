import { ProviderError } from '../errors.js';
import type { Provider } from './provider.js';

/** What the sign-in-only providers have in common: no refresh, no bearer tokens, no policy, no session of theirs to end. */
export const signInOnly: Pick<
  Provider,
  'refreshes' | 'refresh' | 'authenticate' | 'admits' | 'logoutUrl' | 'challenge'
> = {
  refreshes: false,
  refresh: async () => {
    throw new ProviderError('rejected', 'this provider has no refresh');
  },
  authenticate: undefined,
  admits: () => true,
  logoutUrl: async () => undefined,
  challenge: () => undefined,
};
