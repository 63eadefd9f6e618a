import type { JWTPayload } from 'jose';
import { type ClaimStyle, claimType, longType, toClaims } from '../../identity/claim_types.js';
import type { Principal } from '../../identity/principal.js';

/** How a provider's users are named. */
export interface Naming {
  readonly alias: string;
  readonly style: ClaimStyle;
  /** The claim that names a user, short or long; undefined when nothing is configured. */
  readonly nameClaimType?: string | undefined;
  /** Whether an e-mail address, where there is one, is the name. */
  readonly byEmail: boolean;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function configured(payload: JWTPayload, type: string, style: ClaimStyle): string | undefined {
  const found = Object.entries(payload).find(
    ([name]) => name === type || longType(name, style.modern) === type,
  );
  return text(found?.[1]);
}

/**
 * The user an ID token names. `name_typ` is the configured claim, the e-mail claim, or the general name claim; a user always has a
 * name, because App Service libraries require that header (reference §2.1, §2.2).
 */
export function openidPrincipal(payload: JWTPayload, naming: Naming): Principal {
  const { alias, style, nameClaimType: asked, byEmail } = naming;
  const id = payload.sub ?? '';
  const email = text(payload.email);
  const other = text(payload.name) ?? text(payload.preferred_username) ?? email ?? id;
  const useEmail = asked === undefined && byEmail && email !== undefined;
  const name = asked === undefined ? undefined : configured(payload, asked, style);
  const fallback = useEmail ? email : other;
  return {
    provider: alias,
    id,
    name: name ?? fallback,
    nameType:
      asked !== undefined ? longType(asked, style.modern) : useEmail ? claimType.email : claimType.name,
    roleType: claimType.role,
    claims: toClaims(payload, style),
  };
}
