import type { Compat } from '../config/compat.js';

/** The provider name an app sees in the principal and in `/.auth/me`: X may be reported by either of its names (reference §14). */
export function reportedName(alias: string, { xProviderName }: Pick<Compat, 'xProviderName'>): string {
  return alias === 'twitter' ? xProviderName : alias;
}
