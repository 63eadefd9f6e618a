import { socialIdentityProviders } from './social.js';
import { GATEWAY_APP } from './tenant.js';

/** Paths where the broker itself decides who may call. */
const OPEN_PATHS = [
  '/',
  '/portal',
  '/portal/*',
  '/authorize',
  '/token',
  '/revoke',
  '/introspect',
  '/.well-known/*',
  '/jwks',
  '/openapi.json',
  '/health/*',
];

/** `auth.json` of the demo: the real `authsettingsV2` document, as one would deploy it but for plain http on this machine. */
export function demoAuthJson(issuer: string): Record<string, unknown> {
  return {
    platform: { enabled: true },
    globalValidation: {
      requireAuthentication: true,
      unauthenticatedClientAction: 'Return401',
      redirectToProvider: 'azureactivedirectory',
      excludedPaths: OPEN_PATHS,
    },
    httpSettings: { requireHttps: false },
    identityProviders: {
      azureActiveDirectory: {
        enabled: true,
        registration: {
          openIdIssuer: issuer,
          clientId: GATEWAY_APP.appId,
          clientSecretSettingName: 'MICROSOFT_PROVIDER_AUTHENTICATION_SECRET',
        },
        login: { loginParameters: ['scope=openid profile email offline_access'] },
        validation: { allowedAudiences: [GATEWAY_APP.appIdUri] },
      },
      ...socialIdentityProviders(),
    },
    login: { tokenStore: { enabled: true, tokenRefreshExtensionHours: 72 } },
  };
}
