import { ConfigError } from '../errors.js';
import { readAad } from './aad_settings.js';
import { type Compat, readCompat } from './compat.js';
import { readCustom } from './custom_settings.js';
import { listOf, overlayEnvironment } from './environment.js';
import { flag, type Issues, isRecord } from './reader.js';
import { redirectProvider } from './redirect_provider.js';
import type { Environment, ProxySettings, Settings } from './settings.js';
import { readSocial } from './social_settings.js';
import { readTokenStore } from './token_store_settings.js';
import { readTree, type Tree, type UnauthenticatedAction } from './tree.js';
import { checkSupported } from './unsupported.js';
import { pathFault, redirectUrlFault } from './values.js';

const hour = 3_600_000;

/** The outcome of reading a configuration: settings when there is no problem, and everything worth telling. */
export interface Reading {
  readonly settings: Settings;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

function actionOf(tree: Tree, issues: Issues): UnauthenticatedAction {
  const { requireAuthentication: required, unauthenticatedClientAction: action } = tree.globalValidation;
  const path = 'globalValidation.unauthenticatedClientAction';
  if (required === true && action === 'AllowAnonymous')
    issues.problem(path, 'AllowAnonymous contradicts requireAuthentication: true');
  if (required === false && action !== undefined && action !== 'AllowAnonymous')
    issues.warn(path, 'has no effect while requireAuthentication is false');
  return required === false ? 'AllowAnonymous' : (action ?? 'RedirectToLoginPage');
}

function proxyOf(tree: Tree, compat: Compat, issues: Issues): ProxySettings {
  const { convention, customHostHeaderName, customProtoHeaderName } = tree.httpSettings.forwardProxy;
  const path = 'httpSettings.forwardProxy';
  const custom = customHostHeaderName ?? customProtoHeaderName;
  if (convention === 'Custom' && custom === undefined)
    issues.problem(path, 'Custom needs customHostHeaderName or customProtoHeaderName');
  if (convention !== 'Custom' && custom !== undefined)
    issues.warn(path, 'custom header names have no effect without convention Custom');
  if (convention === 'Standard')
    return {
      trusted: true,
      hostHeader: 'x-forwarded-host',
      protoHeader: compat.standardProxy === 'host-only' ? undefined : 'x-forwarded-proto',
    };
  if (convention !== 'Custom') return { trusted: false, hostHeader: undefined, protoHeader: undefined };
  return {
    trusted: true,
    hostHeader: customHostHeaderName?.toLowerCase(),
    protoHeader: customProtoHeaderName?.toLowerCase(),
  };
}

function checkPaths(tree: Tree, issues: Issues): void {
  for (const [index, path] of tree.globalValidation.excludedPaths.entries()) {
    const at = `globalValidation.excludedPaths[${index}]`;
    const fault = pathFault(path);
    if (fault !== undefined) issues.problem(at, fault);
    else if (/[*]/.test(path.replace(/\/\*$/, '')))
      issues.problem(at, 'may hold a wildcard only as a closing /*');
  }
  for (const [index, url] of tree.login.allowedExternalRedirectUrls.entries()) {
    const fault = redirectUrlFault(url);
    if (fault !== undefined) issues.problem(`login.allowedExternalRedirectUrls[${index}]`, fault);
  }
  const prefix = tree.httpSettings.routes.apiPrefix;
  if (prefix !== undefined && (pathFault(prefix) !== undefined || prefix === '/' || prefix.endsWith('/')))
    issues.problem('httpSettings.routes.apiPrefix', 'must be a plain path such as /.auth');
  const logout = tree.login.routes.logoutEndpoint;
  if (logout !== undefined && pathFault(logout) !== undefined)
    issues.problem('login.routes.logoutEndpoint', 'must be a plain path such as /signout');
}

function checkLifetimes(tree: Tree, issues: Issues): void {
  const { cookieExpiration, nonce } = tree.login;
  if (cookieExpiration.timeToExpiration === 0)
    issues.problem('login.cookieExpiration.timeToExpiration', 'must be longer than zero');
  if (nonce.nonceExpirationInterval === 0)
    issues.problem('login.nonce.nonceExpirationInterval', 'must be longer than zero');
  if (nonce.validateNonce === false)
    issues.warn('login.nonce.validateNonce', 'is off: sign-ins can be forged; for debugging only');
}

function sidStyle(env: Environment, compat: Compat, issues: Issues): Compat['sid'] {
  const name = 'WEBSITE_AUTH_HIDE_DEPRECATED_SID';
  const hidden = flag()(env[name] === '' ? undefined : env[name], name, issues);
  if (hidden === undefined) return compat.sid;
  return hidden ? 'stable' : 'profile';
}

/** Scopes are written into a quoted header parameter (RFC 6749 §3.3). */
function resourceScopes(env: Environment, issues: Issues): readonly string[] | undefined {
  const setting = 'WEBSITE_AUTH_PRM_DEFAULT_WITH_SCOPES';
  const scopes = listOf(env[setting] ?? '');
  if (!scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope)))
    issues.problem(setting, 'must be scopes between commas');
  return scopes.length === 0 ? undefined : scopes;
}

/** The gateway itself speaks plain http, so a default configuration would answer nothing but redirects. */
function warnOfPlainHttp({ httpSettings }: Tree, issues: Issues): void {
  const { convention } = httpSettings.forwardProxy;
  if (httpSettings.requireHttps !== false && (convention === undefined || convention === 'NoProxy'))
    issues.warn(
      'httpSettings.requireHttps',
      'is on, but no proxy is trusted to say https: set forwardProxy.convention, or false on this machine',
    );
}

function warnOfUnusedTokens(tree: Tree, issues: Issues): void {
  const asked = tree.identityProviders.azureActiveDirectory.login.loginParameters;
  if (tree.login.tokenStore.enabled !== true && asked.some((entry) => entry.includes('offline_access')))
    issues.warn('login.tokenStore.enabled', 'is off: the tokens asked for with offline_access reach nobody');
}

function signInSettings({ login }: Tree) {
  return {
    cookie: {
      derivedFromProvider: login.cookieExpiration.convention === 'IdentityProviderDerived',
      lifetimeMs: login.cookieExpiration.timeToExpiration ?? 8 * hour,
    },
    validateNonce: login.nonce.validateNonce ?? true,
    nonceLifetimeMs: login.nonce.nonceExpirationInterval ?? 300_000,
    keepFragments: login.preserveUrlFragmentsForLogins ?? false,
  };
}

function settingsOf(tree: Tree, env: Environment, issues: Issues): Settings {
  const action = actionOf(tree, issues);
  const aad = readAad(tree, env, issues);
  const others = [...readSocial(tree, env, issues), ...readCustom(tree, env, issues)];
  const compat = readCompat(listOf(env.EASYAUTH_COMPAT ?? ''), (fault) =>
    issues.problem('EASYAUTH_COMPAT', fault),
  );
  const enabled = tree.platform.enabled ?? true;
  const { login, httpSettings } = tree;
  if (!enabled) issues.warn('platform.enabled', 'is false: every request passes without authentication');
  return {
    enabled,
    runtimeVersion: tree.platform.runtimeVersion ?? '~1',
    action,
    redirectTo: enabled ? redirectProvider(tree, { action, aad, others, issues }) : undefined,
    excludedPaths: tree.globalValidation.excludedPaths,
    requireHttps: httpSettings.requireHttps ?? true,
    apiPrefix: httpSettings.routes.apiPrefix ?? '/.auth',
    proxy: proxyOf(tree, compat, issues),
    logoutEndpoint: login.routes.logoutEndpoint,
    tokenStore: login.tokenStore.enabled ?? false,
    tokenDirectory: login.tokenStore.fileSystem.directory,
    ...readTokenStore(tree, env, issues),
    allowedExternalRedirectUrls: login.allowedExternalRedirectUrls,
    corsOrigins: listOf(env.WEBSITE_CORS_ALLOWED_ORIGINS ?? ''),
    ...signInSettings(tree),
    modernClaims: env.WEBSITE_AUTH_USE_LEGACY_CLAIMS?.toLowerCase() === 'false',
    sidStyle: sidStyle(env, compat, issues),
    encryptionKeySetting:
      tree.encryptionSettings.containerAppAuthEncryptionSecretName ?? 'WEBSITE_AUTH_ENCRYPTION_KEY',
    signingKeySetting:
      tree.encryptionSettings.containerAppAuthSigningSecretName ?? 'WEBSITE_AUTH_SIGNING_KEY',
    aad,
    others,
    resourceScopes: resourceScopes(env, issues),
    compat,
  };
}

/** Reads a document (already out of its envelope) under an environment, listing every problem and warning by its path. */
export function readSettings(document: unknown, env: Environment): Reading {
  const problems: string[] = [];
  const warnings: string[] = [];
  const issues: Issues = {
    problem: (path, text) => problems.push(`${path}: ${text}`),
    warn: (path, text) => warnings.push(`${path}: ${text}`),
  };
  if (!isRecord(document)) issues.problem('the document', 'must be a JSON object');
  const tree = readTree(overlayEnvironment(document, env, issues.warn), '', issues);
  checkSupported(tree, env, issues);
  checkPaths(tree, issues);
  checkLifetimes(tree, issues);
  warnOfUnusedTokens(tree, issues);
  warnOfPlainHttp(tree, issues);
  const settings = settingsOf(tree, env, issues);
  return { settings, problems: [...new Set(problems)], warnings };
}

/**
 * The settings of a document, all or nothing.
 * @throws ConfigError listing every problem
 */
export function requireSettings(document: unknown, env: Environment): Reading {
  const reading = readSettings(document, env);
  if (reading.problems.length > 0) throw new ConfigError(reading.problems);
  return reading;
}
