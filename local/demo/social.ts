/** Easy Auth's app registrations at the providers beside Entra, and so the broker's. */
export const SOCIAL_APPS = {
  google: 'token-broker.apps.google.test',
  facebook: '1000000000000001',
  twitter: 'token-broker-consumer',
  github: 'Ov23token-broker',
} as const;

type Social = keyof typeof SOCIAL_APPS;
const NAMES: readonly Social[] = ['google', 'facebook', 'twitter', 'github'];

const secretSetting = (name: Social): string => `${name.toUpperCase()}_PROVIDER_AUTHENTICATION_SECRET`;

/** The `social` member of the identity provider's directory file. */
export function socialDirectory(gatewayUrl: string, secret: string): Record<string, unknown> {
  return {
    apps: NAMES.map((personality) => ({
      personality,
      client_id: SOCIAL_APPS[personality],
      name: 'Token broker',
      secret,
      redirect_uris: [`${gatewayUrl}/.auth/login/${personality}/callback`],
    })),
  };
}

/** The providers as `auth.json` names them. */
export function socialIdentityProviders(): Record<string, unknown> {
  const { google, facebook, twitter, github } = SOCIAL_APPS;
  return {
    google: { registration: { clientId: google, clientSecretSettingName: secretSetting('google') } },
    facebook: { registration: { appId: facebook, appSecretSettingName: secretSetting('facebook') } },
    twitter: { registration: { consumerKey: twitter, consumerSecretSettingName: secretSetting('twitter') } },
    gitHub: { registration: { clientId: github, clientSecretSettingName: secretSetting('github') } },
  };
}

/** The gateway's settings for them: its secrets, and where they are on this machine. */
export function gatewaySettings(idp: string, secret: string): Record<string, string> {
  const settings = NAMES.flatMap((name) => [
    [secretSetting(name), secret],
    [`EASYAUTH_${name.toUpperCase()}_BASE_URL`, `${idp}/${name}`],
  ]);
  return Object.fromEntries(settings);
}

/** The broker's settings for them. */
export function socialBrokerSettings(idp: string, secret: string): Record<string, string> {
  const apps = NAMES.flatMap((name) => [
    [`BROKER_${name.toUpperCase()}_CLIENT_ID`, SOCIAL_APPS[name]],
    [secretSetting(name), secret],
  ]);
  return {
    ...Object.fromEntries(apps),
    BROKER_GOOGLE_ISSUER: `${idp}/google`,
    BROKER_FACEBOOK_GRAPH_URL: `${idp}/facebook`,
    BROKER_TWITTER_API_URL: `${idp}/twitter`,
    BROKER_GITHUB_API_URL: `${idp}/github`,
  };
}
