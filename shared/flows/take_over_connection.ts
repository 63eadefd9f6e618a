import { type Connection, type CredentialKind, type KeptToken, targetKey } from '../domain/connection.js';
import { Refusal, unavailable } from '../domain/errors.js';
import { addFailure, type ProviderFailure } from '../domain/refresh_result.js';
import { refreshTokenSeal } from '../domain/seal_context.js';
import { type Subject, subjectName } from '../domain/subject.js';
import { CREDENTIAL } from '../domain/upkeep.js';
import type {
  AuditLog,
  Clock,
  ConnectionStore,
  DueIndex,
  Provider,
  ProviderTokens,
  Random,
  Tokens,
  Vault,
} from '../ports.js';
import { credentialKindOf, type ProviderRules } from '../providers/rules.js';
import { type PlanUpkeep, withDueEntry } from './plan_upkeep.js';
import { provenMembership } from './proven_membership.js';
import { assertOwn, credentialOf, provenSubject, type SessionCredentials } from './session_credentials.js';

export interface TakeOverRequest extends SessionCredentials {
  readonly subject: Subject;
  readonly correlationId: string;
}

export interface TakenOver {
  readonly connection: Connection;
  /** False when an earlier connection was renewed. */
  readonly created: boolean;
}

export type TakeOverConnection = (request: TakeOverRequest) => Promise<TakenOver>;

interface Deps {
  readonly connections: ConnectionStore;
  readonly due: DueIndex;
  readonly provider: Provider;
  readonly tokens: Tokens;
  readonly rulesOf: (provider: string) => ProviderRules;
  readonly vault: Vault;
  readonly planUpkeep: PlanUpkeep;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

const WRITE_TRIES = 5;

/**
 * Takes over the provider credential of the user who is signed in. The credential is used once before anything is stored: that proves
 * it works, that it is the broker's to use, and that it is this user's (the platform headers alone would be somebody's word).
 * @throws Refusal `refresh_token_missing`, `credential_rejected`, `identity_mismatch` or `temporarily_unavailable`
 */
export function createTakeOverConnection(deps: Deps): TakeOverConnection {
  return async (request) => {
    const { subject } = request;
    const rules = deps.rulesOf(subject.provider);
    const credential = credentialOf(rules, request);
    const answer = await deps.provider.prove(subject, credential);
    if (!answer.ok) throw refusalOf(deps, subject, answer.failure);
    assertOwn(provenSubject(deps.tokens, subject.provider, answer.tokens), subject);
    const kind = credentialKindOf(rules);
    return enrol(deps, request, { tokens: answer.tokens, refreshToken: credential, kind });
  };
}

function refusalOf(deps: Deps, subject: Subject, failure: ProviderFailure): Refusal {
  const { classify } = deps.rulesOf(subject.provider);
  const now = deps.clock();
  // Nothing is stored that could be lost: what a second look would call dead is turned down at the first.
  const first = addFailure(undefined, failure, classify(failure, undefined), { now, seed: '' });
  const verdict = classify(failure, first);
  const reason = `${verdict.class}: ${failure.error} ${failure.codes.join(' ')}`.trim();
  if (verdict.class === 'transient' || verdict.class === 'broker_misconfigured') {
    return unavailable('the identity provider cannot be used now', failure.retryAfterSeconds ?? 30, reason);
  }
  return new Refusal('credential_rejected', {
    description: 'the identity provider does not accept the credential of this session: sign in again',
    reason,
  });
}

interface Credential {
  readonly tokens: ProviderTokens;
  /** What was presented: kept when no successor came back. */
  readonly refreshToken: string;
  readonly kind: CredentialKind;
}

async function enrol(
  deps: Deps,
  { subject, correlationId }: TakeOverRequest,
  credential: Credential,
): Promise<TakenOver> {
  const enrolment = deps.random.uuid();
  for (let attempt = 0; attempt < WRITE_TRIES; attempt++) {
    const found = await deps.connections.find(subject);
    const { after, proof } = await connectionOf(deps, found?.value, { subject, enrolment, ...credential });
    const stale = await deps.connections.keptTokens(subject);
    const others = stale.filter((kept) => targetKey(kept.target) !== targetKey(CREDENTIAL));
    const changes = { keep: [proof], drop: others.map((kept) => kept.target) };
    const applied = await withDueEntry(deps.due, { before: found?.value, after }, () =>
      found ? deps.connections.replace(after, found.etag, changes) : deps.connections.create(after, changes),
    );
    if (applied || (await isOurs(deps, subject, enrolment))) {
      const created = found?.value.state !== 'active';
      await record(deps, after, { created, correlationId });
      return { connection: after, created };
    }
  }
  throw unavailable('the connection is being changed by others', 1);
}

/** A conflict may be our own write, applied and retried by the SDK. */
async function isOurs(deps: Deps, subject: Subject, enrolment: string): Promise<boolean> {
  return (await deps.connections.find(subject))?.value.enrolment === enrolment;
}

async function connectionOf(
  deps: Deps,
  before: Connection | undefined,
  from: Credential & { subject: Subject; enrolment: string },
): Promise<{ after: Connection; proof: KeptToken }> {
  const now = deps.clock();
  const { subject, enrolment, tokens, kind } = from;
  const { credentialEndsAt } = tokens;
  const owner = { subject, enrolment, generation: (before?.generation ?? 0) + 1 };
  const proof: KeptToken = {
    ...owner,
    target: CREDENTIAL,
    token: { scope: [], obtainedAt: now, expiresAt: now + tokens.expiresIn * 1000 },
  };
  const connection: Connection = {
    ...owner,
    state: 'active',
    refreshToken: await deps.vault.seal(tokens.refreshToken ?? from.refreshToken, refreshTokenSeal(owner)),
    ...(kind === 'refresh_token' ? {} : { credentialKind: kind }),
    ...(credentialEndsAt === undefined ? {} : { credentialEndsAt }),
    createdAt: before?.state === 'active' ? before.createdAt : now,
    renewedAt: now,
    refreshedAt: now,
    ...provenMembership(deps.tokens, subject, { ...tokens, now }),
  };
  const [soonest] = await deps.planUpkeep(connection, { changed: [proof] });
  return { after: soonest ? { ...connection, dueAt: soonest.dueAt } : connection, proof };
}

async function record(
  deps: Deps,
  { subject }: Connection,
  { created, correlationId }: { created: boolean; correlationId: string },
): Promise<void> {
  await deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type: created ? 'connection.created' : 'connection.renewed',
    subject: subjectName(subject),
    correlationId,
  });
}
