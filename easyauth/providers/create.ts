import { aliasOf, type ProviderSettings } from '../config/provider_settings.js';
import type { Settings } from '../config/settings.js';
import type { Log } from '../log.js';
import { createAad } from './aad/aad.js';
import { createApple } from './apple/apple.js';
import { createCustom } from './custom/custom.js';
import type { ProviderDeps } from './deps.js';
import { createFacebook } from './facebook/facebook.js';
import { createGitHub } from './github/github.js';
import { createGoogle } from './google/google.js';
import { createMicrosoftAccount } from './microsoftaccount/microsoftaccount.js';
import type { ProviderHttp } from './openid/provider_http.js';
import type { Provider } from './provider.js';
import { createTwitter } from './twitter/twitter.js';

function create(settings: ProviderSettings, deps: ProviderDeps): Provider {
  switch (settings.kind) {
    case 'google':
      return createGoogle(settings, deps);
    case 'apple':
      return createApple(settings, deps);
    case 'facebook':
      return createFacebook(settings, deps);
    case 'github':
      return createGitHub(settings, deps);
    case 'twitter':
      return createTwitter(settings, deps);
    case 'microsoftaccount':
      return createMicrosoftAccount(settings, deps);
    case 'custom':
      return createCustom(settings, deps);
  }
}

interface Means {
  readonly http: ProviderHttp;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly log: Log;
}

/** Every configured provider by its alias, Entra first. */
export function createProviders(settings: Settings, means: Means): ReadonlyMap<string, Provider> {
  const { compat } = settings;
  const deps: ProviderDeps = {
    ...means,
    claimStyle: { modern: settings.modernClaims, joined: compat.multiValuedClaims === 'join' },
    strictOverwrite: compat.strictAzureOverwrite === 'true',
  };
  const providers = new Map<string, Provider>();
  if (settings.aad !== undefined) providers.set('aad', createAad({ settings: settings.aad, ...deps }));
  for (const other of settings.others) providers.set(aliasOf(other), create(other, deps));
  return providers;
}
