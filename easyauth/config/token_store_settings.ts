import { readIdentityEndpoint } from './managed_identity.js';
import type { Issues } from './reader.js';
import type { Environment, Settings, TokenContainer } from './settings.js';
import type { Tree } from './tree.js';
import { readSecret, secureUrlFault } from './values.js';

interface Source {
  readonly env: Environment;
  readonly issues: Issues;
}

const hour = 3_600_000;
const root = 'login.tokenStore';

/** Sign-ins by token may last 30 days when the provider names no end (reference §14), longer than any default cookie. */
const longestSessionMs = 30 * 24 * hour;
const marginMs = 24 * hour;

function pruneAfter(sessionMs: number, env: Environment, issues: Issues): number | undefined {
  const given = env.EASYAUTH_PRUNE_AFTER_HOURS;
  if (given === undefined || given === '') return sessionMs + marginMs;
  const hours = Number(given);
  if (/^\d+(?:\.\d+)?$/.test(given)) return hours === 0 ? undefined : hours * hour;
  issues.problem('EASYAUTH_PRUNE_AFTER_HOURS', 'must be a number of hours; 0 keeps entries for ever');
  return undefined;
}

function sasContainer(name: string, { env, issues }: Source): TokenContainer | undefined {
  const path = `${root}.azureBlobStorage.sasUrlSettingName`;
  const sas = readSecret({ name, path, env, issues });
  const fault = sas === undefined ? undefined : containerFault(sas.reveal());
  if (fault !== undefined) issues.problem(path, `names a setting whose value ${fault}`);
  return sas === undefined ? undefined : { kind: 'sas', sas };
}

function identityContainer(
  uri: string,
  resourceId: string | undefined,
  { env, issues }: Source,
): TokenContainer | undefined {
  const path = `${root}.azureBlobStorage.blobContainerUri`;
  const fault = secureUrlFault(uri);
  if (fault !== undefined) issues.problem(path, fault);
  else if (/^\/*$/.test(new URL(uri).pathname)) issues.problem(path, 'must be the URL of a blob container');
  else if (/[?#]/.test(uri)) issues.problem(path, 'must have no query: a SAS belongs into sasUrlSettingName');
  const identity = readIdentityEndpoint(env, path, issues);
  return identity === undefined ? undefined : { kind: 'identity', uri, identity, resourceId };
}

/** Tokens are kept in one place: a directory, or a container under one of its two names. */
function containerOf({ login }: Tree, source: Source): TokenContainer | undefined {
  const { fileSystem, azureBlobStorage } = login.tokenStore;
  const { sasUrlSettingName, blobContainerUri, managedIdentityResourceId } = azureBlobStorage;
  const path = `${root}.azureBlobStorage`;
  const given = {
    [`${path}.blobContainerUri`]: blobContainerUri,
    [`${path}.sasUrlSettingName`]: sasUrlSettingName,
  };
  const places = { ...given, [`${root}.fileSystem.directory`]: fileSystem.directory };
  const [first = '', second] = Object.entries(places).flatMap(([name, value]) =>
    value === undefined ? [] : [name],
  );
  if (second !== undefined)
    source.issues.problem(first, `contradicts ${second}: tokens are kept in one place`);
  if (managedIdentityResourceId !== undefined && blobContainerUri === undefined)
    source.issues.warn(`${path}.managedIdentityResourceId`, 'has no effect without blobContainerUri');
  if (blobContainerUri !== undefined)
    return identityContainer(blobContainerUri, managedIdentityResourceId, source);
  return sasUrlSettingName === undefined ? undefined : sasContainer(sasUrlSettingName, source);
}

/**
 * Where tokens are kept, how long a session that has ended may still refresh them, and when an entry that nobody used is pruned:
 * by default once no session made from it can live or be refreshed any more, and a day later.
 */
export function readTokenStore(
  tree: Tree,
  env: Environment,
  issues: Issues,
): Pick<Settings, 'tokenContainer' | 'refreshExtensionMs' | 'pruneAfterMs'> {
  const { tokenStore, cookieExpiration } = tree.login;
  const tokenContainer = containerOf(tree, { env, issues });
  const refreshExtensionMs = (tokenStore.tokenRefreshExtensionHours ?? 72) * hour;
  const sessionMs = Math.max(longestSessionMs, cookieExpiration.timeToExpiration ?? 0);
  const pruneAfterMs = pruneAfter(sessionMs + refreshExtensionMs, env, issues);
  return { tokenContainer, refreshExtensionMs, pruneAfterMs };
}

/** What is wrong with a container SAS URL; the URL itself is a secret and never repeated. */
function containerFault(value: string): string | undefined {
  const fault = secureUrlFault(value);
  if (fault !== undefined) return fault;
  const { pathname, searchParams, hash } = new URL(value);
  if (/^\/*$/.test(pathname) || hash !== '') return 'must be the URL of a blob container with its SAS';
  if (!searchParams.has('sig')) return 'must hold a shared access signature (sig)';
  return undefined;
}
