import { aliasOf, otherNames, type ProviderSettings } from './provider_settings.js';
import type { Issues } from './reader.js';
import type { AadSettings } from './settings.js';
import type { Tree, UnauthenticatedAction } from './tree.js';

interface Settled {
  readonly action: UnauthenticatedAction;
  readonly aad: AadSettings | undefined;
  readonly others: readonly ProviderSettings[];
  readonly issues: Issues;
}

/** The alias of the provider that unauthenticated pages go to: the named one, or the only one (reference §7.4). */
export function redirectProvider(tree: Tree, settled: Settled): string | undefined {
  const { action, aad, others, issues } = settled;
  const aliases = [...(aad === undefined ? [] : ['aad']), ...others.map(aliasOf)];
  const asked = tree.globalValidation.redirectToProvider?.toLowerCase();
  const named = aliases.find((alias) =>
    [alias.toLowerCase(), ...(otherNames[alias] ?? [])].includes(asked ?? ''),
  );
  const path = 'globalValidation.redirectToProvider';
  if (asked !== undefined && named === undefined) issues.problem(path, 'names no configured provider');
  if (action === 'RedirectToLoginPage' && aliases.length === 0)
    issues.problem('globalValidation.unauthenticatedClientAction', 'has no provider to redirect to');
  if (action === 'RedirectToLoginPage' && asked === undefined && aliases.length > 1)
    issues.problem(path, `is missing, and there are several providers: ${aliases.join(', ')}`);
  return named ?? aliases[0];
}
