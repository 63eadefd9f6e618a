import { amount, flag, mapOf, object, oneOf, refused, text, texts, timespan } from './reader.js';

const noLiteral = (setting: string) => refused(`holds a secret: name an app setting in ${setting} instead`);

const clientRegistration = object({
  clientId: text(),
  clientSecretSettingName: text(),
  clientSecret: noLiteral('clientSecretSettingName'),
});
const scopes = object({ scopes: texts() });
const audiences = object({ allowedAudiences: texts() });

const azureActiveDirectory = object(
  {
    enabled: flag(),
    registration: object({
      openIdIssuer: text(),
      clientId: text(),
      clientSecretSettingName: text(),
      clientSecret: noLiteral('clientSecretSettingName'),
      clientSecretCertificateThumbprint: text(),
      clientSecretCertificateSubjectAlternativeName: text(),
      clientSecretCertificateIssuer: text(),
    }),
    login: object({ loginParameters: texts(), disableWWWAuthenticate: flag() }),
    validation: object({
      allowedAudiences: texts(),
      jwtClaimChecks: object({ allowedGroups: texts(), allowedClientApplications: texts() }),
      defaultAuthorizationPolicy: object({
        allowedPrincipals: object({ groups: texts(), identities: texts() }),
        allowedApplications: texts(),
      }),
    }),
  },
  { ignored: ['isAutoProvisioned'] },
);

const customOpenIdConnect = object({
  enabled: flag(),
  registration: object({
    clientId: text(),
    clientCredential: object({
      method: oneOf(['ClientSecretPost']),
      clientSecretSettingName: text(),
      clientSecret: noLiteral('clientSecretSettingName'),
    }),
    openIdConnectConfiguration: object({
      authorizationEndpoint: text(),
      tokenEndpoint: text(),
      issuer: text(),
      certificationUri: text(),
      wellKnownOpenIdConfiguration: text(),
    }),
  }),
  login: object({ nameClaimType: text(), scopes: texts(), loginParameterNames: texts() }),
});

const identityProviders = object(
  {
    azureActiveDirectory,
    facebook: object({
      enabled: flag(),
      registration: object({
        appId: text(),
        appSecretSettingName: text(),
        appSecret: noLiteral('appSecretSettingName'),
      }),
      graphApiVersion: text(),
      login: scopes,
    }),
    gitHub: object({ enabled: flag(), registration: clientRegistration, login: scopes }),
    google: object({
      enabled: flag(),
      registration: clientRegistration,
      login: scopes,
      validation: audiences,
    }),
    twitter: object({
      enabled: flag(),
      registration: object({
        consumerKey: text(),
        consumerSecretSettingName: text(),
        consumerSecret: noLiteral('consumerSecretSettingName'),
      }),
    }),
    apple: object({ enabled: flag(), registration: clientRegistration, login: scopes }),
    legacyMicrosoftAccount: object({
      enabled: flag(),
      registration: clientRegistration,
      login: scopes,
      validation: audiences,
    }),
    azureStaticWebApps: object({ enabled: flag(), registration: object({ clientId: text() }) }),
    customOpenIdConnectProviders: mapOf(customOpenIdConnect),
  },
  { aliases: { openIdConnectProviders: 'customOpenIdConnectProviders' } },
);

export const actions = [
  'RedirectToLoginPage',
  'AllowAnonymous',
  'Return401',
  'Return403',
  'Return404',
] as const;
export type UnauthenticatedAction = (typeof actions)[number];

/**
 * Every member of `authsettingsV2` that App Service or Container Apps know, with its JSON type. Reading never fails: faults are
 * reported and the member counts as absent. Source: App Service and Container Apps ARM schemas, both spellings where two exist.
 */
export const readTree = object({
  platform: object({ enabled: flag(), runtimeVersion: text(), configFilePath: text() }),
  globalValidation: object({
    requireAuthentication: flag(),
    unauthenticatedClientAction: oneOf(actions, {
      RejectWith401: 'Return401',
      RejectWith403: 'Return403',
      RejectWith404: 'Return404',
    }),
    redirectToProvider: text(),
    excludedPaths: texts(),
  }),
  httpSettings: object({
    requireHttps: flag(),
    routes: object({ apiPrefix: text() }),
    forwardProxy: object({
      convention: oneOf(['NoProxy', 'Standard', 'Custom']),
      customHostHeaderName: text(),
      customProtoHeaderName: text(),
    }),
  }),
  login: object({
    routes: object({ logoutEndpoint: text() }),
    tokenStore: object({
      enabled: flag(),
      tokenRefreshExtensionHours: amount(),
      fileSystem: object({ directory: text() }),
      azureBlobStorage: object({
        sasUrlSettingName: text(),
        sasUrl: refused('holds a secret: name an app setting in sasUrlSettingName instead'),
        blobContainerUri: text(),
        managedIdentityResourceId: text(),
      }),
    }),
    preserveUrlFragmentsForLogins: flag(),
    allowedExternalRedirectUrls: texts(),
    cookieExpiration: object({
      convention: oneOf(['FixedTime', 'IdentityProviderDerived'], {
        IdentityDerived: 'IdentityProviderDerived',
      }),
      timeToExpiration: timespan(),
    }),
    nonce: object({ validateNonce: flag(), nonceExpirationInterval: timespan() }),
  }),
  encryptionSettings: object({
    containerAppAuthEncryptionSecretName: text(),
    containerAppAuthSigningSecretName: text(),
  }),
  identityProviders,
});

/** The configuration as written, typed, before defaults and checks. */
export type Tree = ReturnType<typeof readTree>;
