import { randomBytes } from 'node:crypto';
import type { Personality } from '../../directory/social.js';
import { issueTime } from '../../knobs.js';
import type { SocialFamily, SocialGrant } from '../../social_state.js';
import type { Kit } from './kit.js';
import { changeSocial, socialOf } from './state.js';

/** Whose grant to whom. */
export type Parties = Readonly<{ personality: Personality; client: string; oid: string }>;

const keyOf = ({ personality, client, oid }: Parties): string => `${personality}|${client}|${oid}`;

/** What the user lets the app do now. A consent from before the user's sessions were revoked is over. */
export function grantOf(kit: Kit, parties: Parties): SocialGrant | undefined {
  const grants = socialOf(kit).grants;
  const grant = Object.hasOwn(grants, keyOf(parties)) ? grants[keyOf(parties)] : undefined;
  const { revokedAt } = kit.core.store.knobs(parties.oid);
  return grant !== undefined && revokedAt !== undefined && grant.since <= revokedAt ? undefined : grant;
}

/** Whether the user has let the app do all of that already. */
export function hasConsented(kit: Kit, parties: Parties, scopes: readonly string[]): boolean {
  const grant = grantOf(kit, parties);
  return grant !== undefined && scopes.every((scope) => grant.scopes.includes(scope));
}

/** Time (ms) to write into what is issued to the user now. */
export function issuedNow({ core }: Kit, oid: string): number {
  return issueTime(core.store.knobs(oid), core.now());
}

async function put(kit: Kit, parties: Parties, grant: SocialGrant): Promise<void> {
  await changeSocial(kit, (social) => {
    social.grants[keyOf(parties)] = grant;
  });
}

/** Records consent, on top of what was consented before. */
export async function consent(
  kit: Kit,
  parties: Parties,
  { scopes, offline = false }: Readonly<{ scopes: readonly string[]; offline?: boolean }>,
): Promise<void> {
  const old = grantOf(kit, parties);
  const same = old !== undefined && (old.offline || !offline) && hasConsented(kit, parties, scopes);
  if (same) return;
  await put(kit, parties, {
    since: old?.since ?? issuedNow(kit, parties.oid),
    scopes: [...new Set([...(old?.scopes ?? []), ...scopes])],
    offline: offline || (old?.offline ?? false),
    families: old?.families ?? [],
  });
}

/** The user takes one scope back. */
export async function withdraw(kit: Kit, parties: Parties, scope: string): Promise<void> {
  const grant = grantOf(kit, parties);
  if (grant === undefined) return;
  await put(kit, parties, { ...grant, scopes: grant.scopes.filter((one) => one !== scope) });
}

/** The user's permission to the app ends, and with it everything that was issued under it. */
export async function endGrant(kit: Kit, parties: Parties): Promise<void> {
  await changeSocial(kit, (social) => {
    delete social.grants[keyOf(parties)];
  });
}

export type NewFamily = Readonly<{
  scopes: readonly string[];
  secret?: string;
  /** How many may live at once; the oldest end. */
  limit: number;
  /** Counts only families of the same scopes. */
  perScopes?: boolean;
}>;

function withinLimit(
  families: readonly SocialFamily[],
  { scopes, limit, perScopes = false }: NewFamily,
): readonly SocialFamily[] {
  const key = [...scopes].sort().join(' ');
  const counted = families.filter((one) => !perScopes || [...one.scopes].sort().join(' ') === key);
  const over = new Set(counted.slice(0, Math.max(0, counted.length - limit)));
  return families.filter((one) => !over.has(one));
}

/** Starts a line of credentials under a grant, ending the oldest over the limit. @throws TypeError without a grant */
export async function addFamily(kit: Kit, parties: Parties, wanted: NewFamily): Promise<SocialFamily> {
  const grant = grantOf(kit, parties);
  if (grant === undefined) throw new TypeError('there is no grant to add to');
  const issued = issuedNow(kit, parties.oid);
  const { scopes, secret } = wanted;
  const id = randomBytes(12).toString('base64url');
  const family: SocialFamily = { id, started: issued, issued, serial: 1, scopes };
  const added = secret === undefined ? family : { ...family, secret };
  const families = withinLimit([...grant.families, added], wanted);
  await put(kit, parties, { ...grant, families });
  return added;
}

/** The live line of that id. */
export function familyOf(grant: SocialGrant | undefined, id: string | undefined): SocialFamily | undefined {
  return grant?.families.find((family) => family.id === id);
}

/** Changes one line, or ends it when `next` is undefined. Made at once: of two callers the second sees the change. */
async function replaceFamily(
  kit: Kit,
  parties: Parties,
  id: string,
  next: ((family: SocialFamily) => SocialFamily) | undefined,
): Promise<SocialFamily | undefined> {
  const grant = grantOf(kit, parties);
  const old = familyOf(grant, id);
  if (grant === undefined || old === undefined) return undefined;
  const changed = next?.(old);
  const families = grant.families.flatMap((one) => (one !== old ? [one] : changed ? [changed] : []));
  await put(kit, parties, { ...grant, families });
  return changed;
}

/** Moves a line on to its next credential: the serial before is spent. */
export function rotateFamily(kit: Kit, parties: Parties, id: string): Promise<SocialFamily | undefined> {
  const issued = issuedNow(kit, parties.oid);
  return replaceFamily(kit, parties, id, (old) => ({ ...old, issued, serial: old.serial + 1 }));
}

/** Notes that a line was used now, without spending anything. */
export function touchFamily(kit: Kit, parties: Parties, id: string): Promise<SocialFamily | undefined> {
  const issued = issuedNow(kit, parties.oid);
  return replaceFamily(kit, parties, id, (old) => ({ ...old, issued }));
}

/** Ends one line: none of its credentials works any more. */
export async function endFamily(kit: Kit, parties: Parties, id: string): Promise<void> {
  await replaceFamily(kit, parties, id, undefined);
}
