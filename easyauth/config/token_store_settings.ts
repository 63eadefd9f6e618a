import type { Issues } from './reader.js';
import type { Environment, Settings } from './settings.js';
import type { Tree } from './tree.js';
import { readSecret, secureUrlFault } from './values.js';

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
  const path = `${root}.azureBlobStorage.sasUrlSettingName`;
  const name = tokenStore.azureBlobStorage.sasUrlSettingName;
  if (name !== undefined && tokenStore.fileSystem.directory !== undefined)
    issues.problem(path, `contradicts ${root}.fileSystem.directory: tokens are kept in one place`);
  const tokenContainer = readSecret({ name, path, env, issues });
  const fault = tokenContainer === undefined ? undefined : containerFault(tokenContainer.reveal());
  if (fault !== undefined) issues.problem(path, `names a setting whose value ${fault}`);
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
