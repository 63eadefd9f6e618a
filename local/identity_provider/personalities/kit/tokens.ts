import { Ajv } from 'ajv';
import type { Personality, SocialApp } from '../../directory/social.js';
import type { SocialFamily, SocialGrant } from '../../social_state.js';
import { familyOf, grantOf, issuedNow, type Parties } from './grants.js';
import type { Kit } from './kit.js';
import type { Account } from './people.js';

/** `lasting` tokens are access tokens of another look, for apps whose tokens expire or last longer. */
export type TokenKind = 'access' | 'lasting' | 'refresh';

/** What a token stands for. Times are milliseconds. */
export type TokenFacts = Readonly<{
  client: string;
  oid: string;
  /** Start of the grant it was issued under: a later consent does not revive it. */
  since: number;
  issued: number;
  /** Absent for a token without end. */
  expires?: number;
  scopes: readonly string[];
  mfa: boolean;
  /** Line it belongs to, and which of the line it is. */
  family?: string;
  serial?: number;
}>;

/** Why a token does not work. `superseded`: its line ended, or has moved on. */
export type TokenProblem =
  | 'malformed'
  | 'deleted'
  | 'revoked'
  | 'removed'
  | 'disabled'
  | 'superseded'
  | 'expired'
  | 'reauthenticate';

export type LiveToken = Readonly<{
  facts: TokenFacts;
  app: SocialApp;
  account: Account;
  grant: SocialGrant;
  family: SocialFamily | undefined;
}>;

export type Inspected =
  | Readonly<{ problem: TokenProblem; facts: TokenFacts | undefined }>
  | Readonly<{ problem: undefined; live: LiveToken }>;

type Prefixes = Readonly<Record<TokenKind, string>>;

/** How tokens begin at each provider. */
const PREFIXES: Readonly<Record<Personality, Prefixes>> = {
  google: { access: 'ya29.', lasting: 'ya29.', refresh: '1//0' },
  facebook: { access: 'EAAs', lasting: 'EAAl', refresh: 'EAAr' },
  twitter: { access: '', lasting: '', refresh: '' },
  x2: { access: '', lasting: '', refresh: '' },
  github: { access: 'gho_', lasting: 'ghu_', refresh: 'ghr_' },
  apple: { access: 'a', lasting: 'a', refresh: 'r' },
};

const text = { type: 'string' };
const time = { type: 'number' };
const isFacts = new Ajv().compile<TokenFacts>({
  type: 'object',
  required: ['client', 'oid', 'since', 'issued', 'scopes', 'mfa'],
  properties: {
    client: text,
    oid: text,
    since: time,
    issued: time,
    expires: time,
    scopes: { type: 'array', items: text },
    mfa: { type: 'boolean' },
    family: text,
    serial: time,
  },
});

export type Minted = Readonly<{
  scopes: readonly string[];
  mfa: boolean;
  /** Undefined for a token without end. */
  seconds: number | undefined;
  /** The line it belongs to. With a serial it works only until the line moves on, without one as long as the line lives. */
  family?: Readonly<{ id: string; serial?: number }> | undefined;
}>;

/** Makes an opaque token under the grant that stands. @throws TypeError without a grant */
export function mintToken(
  kit: Kit,
  parties: Parties,
  { kind, scopes, mfa, seconds, family }: Minted & Readonly<{ kind: TokenKind }>,
): string {
  const grant = grantOf(kit, parties);
  if (grant === undefined) throw new TypeError('there is no grant to issue under');
  const { personality, client, oid } = parties;
  const issued = issuedNow(kit, oid);
  const facts: TokenFacts = {
    client,
    oid,
    since: grant.since,
    issued,
    ...(seconds === undefined ? {} : { expires: kit.core.now() + seconds * 1000 }),
    scopes,
    mfa,
    ...(family === undefined ? {} : { family: family.id }),
    ...(family?.serial === undefined ? {} : { serial: family.serial }),
  };
  return PREFIXES[personality][kind] + kit.core.sealer.seal(`social:${personality}:${kind}`, facts);
}

function open(kit: Kit, personality: Personality, kind: TokenKind, token: string): TokenFacts | undefined {
  const prefix = PREFIXES[personality][kind];
  if (!token.startsWith(prefix)) return undefined;
  const opened = kit.core.sealer.open(`social:${personality}:${kind}`, token.slice(prefix.length));
  return isFacts(opened) ? opened : undefined;
}

function personProblem({ core }: Kit, facts: TokenFacts): TokenProblem | undefined {
  const { deleted, revokedAt } = core.store.knobs(facts.oid);
  if (deleted) return 'deleted';
  return revokedAt !== undefined && facts.issued <= revokedAt ? 'revoked' : undefined;
}

function ageProblem({ core }: Kit, facts: TokenFacts): TokenProblem | undefined {
  const { expiredAt, mfa } = core.store.knobs(facts.oid);
  const over = facts.expires !== undefined && facts.expires <= core.now();
  if (over || (expiredAt !== undefined && facts.issued <= expiredAt)) return 'expired';
  return mfa === 'required' && !facts.mfa ? 'reauthenticate' : undefined;
}

function isSuperseded(facts: TokenFacts, family: SocialFamily | undefined): boolean {
  if (facts.family === undefined) return false;
  return family === undefined || (facts.serial !== undefined && family.serial !== facts.serial);
}

/**
 * Finds out whether a token of that kind works, and if not, the first reason in this order: malformed, account deleted,
 * sessions revoked, permission removed, account disabled, superseded, expired, sign-in too weak.
 */
export function inspectToken(
  kit: Kit,
  personality: Personality,
  { kind, token }: Readonly<{ kind: TokenKind; token: string | undefined }>,
): Inspected {
  const facts = token === undefined ? undefined : open(kit, personality, kind, token);
  const account = facts && kit.people.byOid(facts.oid);
  if (facts === undefined || account === undefined) return { problem: 'malformed', facts: undefined };
  const person = personProblem(kit, facts);
  if (person !== undefined) return { problem: person, facts };
  const app = kit.app(personality, facts.client);
  const grant = grantOf(kit, { personality, client: facts.client, oid: facts.oid });
  if (app === undefined || grant === undefined || grant.since !== facts.since)
    return { problem: 'removed', facts };
  if (kit.core.store.knobs(facts.oid).disabled) return { problem: 'disabled', facts };
  const family = familyOf(grant, facts.family);
  const problem = isSuperseded(facts, family) ? 'superseded' : ageProblem(kit, facts);
  return problem === undefined
    ? { problem, live: { facts, app, account, grant, family } }
    : { problem, facts };
}

/** Whose grant a token was issued under. */
export function partiesOf(personality: Personality, { client, oid }: TokenFacts): Parties {
  return { personality, client, oid };
}
