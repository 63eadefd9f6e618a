import { isRecord } from './reader.js';
import type { Environment } from './settings.js';

interface Overlay {
  readonly path: string;
  /** Present when the setting only fills in what the document leaves out, because it is written for the app, not the gateway. */
  readonly fillOnly?: true;
  readonly list?: true;
  readonly setting?: true;
}

const aad = 'identityProviders.azureActiveDirectory';

/** Environment twins of document members (reference §8.2). */
const overlays: Readonly<Record<string, Overlay>> = {
  WEBSITE_AUTH_ENABLED: { path: 'platform.enabled', fillOnly: true },
  WEBSITE_AUTH_UNAUTHENTICATED_ACTION: { path: 'globalValidation.unauthenticatedClientAction' },
  WEBSITE_AUTH_DEFAULT_PROVIDER: { path: 'globalValidation.redirectToProvider', fillOnly: true },
  WEBSITE_AUTH_REQUIRE_HTTPS: { path: 'httpSettings.requireHttps' },
  WEBSITE_AUTH_API_PREFIX: { path: 'httpSettings.routes.apiPrefix', fillOnly: true },
  WEBSITE_AUTH_PROXY_HEADER_CONVENTION: { path: 'httpSettings.forwardProxy.convention' },
  WEBSITE_AUTH_PROXY_HOST_HEADER: { path: 'httpSettings.forwardProxy.customHostHeaderName' },
  WEBSITE_AUTH_PROXY_PROTO_HEADER: { path: 'httpSettings.forwardProxy.customProtoHeaderName' },
  WEBSITE_AUTH_TOKEN_STORE: { path: 'login.tokenStore.enabled' },
  WEBSITE_AUTH_TOKEN_REFRESH_HOURS: { path: 'login.tokenStore.tokenRefreshExtensionHours' },
  WEBSITE_AUTH_TOKEN_CONTAINER_SASURL: {
    path: 'login.tokenStore.azureBlobStorage.sasUrlSettingName',
    setting: true,
  },
  WEBSITE_AUTH_PRESERVE_URL_FRAGMENT: { path: 'login.preserveUrlFragmentsForLogins' },
  WEBSITE_AUTH_EXTERNAL_REDIRECT_URLS: { path: 'login.allowedExternalRedirectUrls', list: true },
  WEBSITE_AUTH_COOKIE_EXPIRATION_MODE: { path: 'login.cookieExpiration.convention' },
  WEBSITE_AUTH_COOKIE_EXPIRATION_TIME: { path: 'login.cookieExpiration.timeToExpiration' },
  WEBSITE_AUTH_NONCE_DURATION: { path: 'login.nonce.nonceExpirationInterval' },
  WEBSITE_AUTH_VALIDATE_NONCE: { path: 'login.nonce.validateNonce' },
  WEBSITE_AUTH_CLIENT_ID: { path: `${aad}.registration.clientId`, fillOnly: true },
  WEBSITE_AUTH_OPENID_ISSUER: { path: `${aad}.registration.openIdIssuer`, fillOnly: true },
  WEBSITE_AUTH_CLIENT_SECRET_SETTING_NAME: {
    path: `${aad}.registration.clientSecretSettingName`,
    fillOnly: true,
  },
  WEBSITE_AUTH_CLIENT_SECRET: {
    path: `${aad}.registration.clientSecretSettingName`,
    fillOnly: true,
    setting: true,
  },
  WEBSITE_AUTH_ALLOWED_AUDIENCES: { path: `${aad}.validation.allowedAudiences`, list: true },
  WEBSITE_AUTH_LOGIN_PARAMS: { path: `${aad}.login.loginParameters`, list: true },
  WEBSITE_AUTH_DISABLE_WWWAUTHENTICATE: { path: `${aad}.login.disableWWWAuthenticate` },
};

/** Settings that are read elsewhere or have nothing to decide here; they draw no warning. */
const knownElsewhere = new Set([
  'WEBSITE_AUTH_V2_CONFIG_JSON',
  'WEBSITE_AUTH_FROM_FILE',
  'WEBSITE_AUTH_FILE_PATH',
  'WEBSITE_AUTH_ENCRYPTION_KEY',
  'WEBSITE_AUTH_SIGNING_KEY',
  'WEBSITE_AUTH_STATE_DIRECTORY',
  'WEBSITE_AUTH_TRACE_LEVEL',
  'WEBSITE_AUTH_USE_LEGACY_CLAIMS',
  'WEBSITE_AUTH_DISABLE_IDENTITY_FLOW',
  'WEBSITE_AUTH_HIDE_DEPRECATED_SID',
  'WEBSITE_AUTH_AAD_ALLOWED_TENANTS',
  'WEBSITE_AUTH_AAD_REQUIRE_CLIENT_SERVICE_PRINCIPAL',
  'WEBSITE_AUTH_AAD_CLAIMS_AUTHORIZATION',
  'WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES',
  'WEBSITE_AUTH_CUSTOM_IDPS',
  'WEBSITE_AUTH_LOGOUT_PATH',
]);

function memberKey(parent: Record<string, unknown>, name: string): string {
  return Object.keys(parent).find((key) => key.toLowerCase() === name.toLowerCase()) ?? name;
}

function overlay(tree: Record<string, unknown>, target: Overlay, value: unknown): void {
  const names = target.path.split('.');
  const last = names.pop() ?? '';
  let parent = tree;
  for (const name of names) {
    const key = memberKey(parent, name);
    const child = parent[key];
    const next = isRecord(child) ? child : {};
    if (child === undefined || child === null) parent[key] = next;
    else if (!isRecord(child)) return;
    parent = next;
  }
  const key = memberKey(parent, last);
  if (target.fillOnly !== true || parent[key] === undefined || parent[key] === null || parent[key] === '')
    parent[key] = value;
}

/** A list in a setting: a JSON array of strings, or items between commas or line breaks. */
export function listOf(value: string): readonly string[] {
  if (value.trim().startsWith('[')) {
    try {
      const parsed: unknown = JSON.parse(value);
      if (Array.isArray(parsed) && parsed.every((item) => typeof item === 'string')) return parsed;
    } catch {
      return [value];
    }
  }
  return value
    .split(/[,\r\n]+/)
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/**
 * Lays the `WEBSITE_AUTH_*` settings over a copy of the document. A gateway setting wins over the document; a setting that Azure
 * writes for the app's libraries only fills a gap.
 * @param warn is told of each `WEBSITE_AUTH_*` name that means nothing here
 */
export function overlayEnvironment(
  document: unknown,
  env: Environment,
  warn: (name: string, text: string) => void,
): unknown {
  if (!isRecord(document)) return document;
  const tree = structuredClone(document);
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('WEBSITE_AUTH_') || value === undefined || value === '') continue;
    const target = overlays[name];
    if (target === undefined) {
      if (!knownElsewhere.has(name)) warn(name, 'is not known and is ignored');
      continue;
    }
    overlay(tree, target, target.setting === true ? name : target.list === true ? listOf(value) : value);
  }
  return tree;
}
