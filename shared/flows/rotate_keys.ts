import { type KeyState, keyStates, PUBLISH_LEAD_MS } from '../domain/signing_keys.js';
import type { AuditLog, Clock, Random, SigningKeyFacts, SigningKeys } from '../ports.js';

export type KeyListing = readonly (SigningKeyFacts & { readonly state: KeyState })[];

export type RotationOutcome =
  | { readonly kind: 'added'; readonly kid: string; readonly signsFrom: number }
  | { readonly kind: 'would_add' }
  /** A new key is there already and does not sign yet. */
  | { readonly kind: 'under_way'; readonly kid: string; readonly signsFrom: number };

export type RetirementOutcome =
  | { readonly kind: 'retired' | 'would_retire' | 'already' | 'unknown' | 'only_key' | 'signing' | 'coming' }
  | { readonly kind: 'needed'; readonly until: number };

export interface RotateKeys {
  list(): Promise<KeyListing>;
  /** Adds a key that will sign once every verifier can know it. Of several operators at once one adds, and all are told of the same key. */
  rotate(options: { dryRun: boolean }): Promise<RotationOutcome>;
  /** Withdraws a key. Only a compromised one may go while tokens that it signed live: they end with it. */
  retire(kid: string, options: { compromised: boolean; dryRun: boolean }): Promise<RetirementOutcome>;
}

interface Deps {
  readonly keys: SigningKeys;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly random: Random;
}

const TRIES = 5;

export function createRotateKeys(deps: Deps): RotateKeys {
  const list = async () => keyStates(await deps.keys.list(), deps.clock());
  return {
    list,
    async rotate({ dryRun }) {
      for (let attempt = 0; attempt < TRIES; attempt++) {
        const known = await list();
        const coming = known.find(({ state }) => state.kind === 'coming');
        if (coming?.state.kind === 'coming') {
          return { kind: 'under_way', kid: coming.kid, signsFrom: coming.state.signsFrom };
        }
        if (dryRun) return { kind: 'would_add' };
        const added = await add(deps, known.length);
        if (added) return added;
      }
      throw new Error('keys are being added by others without end');
    },
    async retire(kid, options) {
      const known = await list();
      const key = known.find((each) => each.kid === kid);
      const refused = refusalOf(known, key, options.compromised);
      if (refused) return refused;
      if (options.dryRun) return { kind: 'would_retire' };
      await record(
        deps,
        'key.retired',
        `${kid}: ${options.compromised ? 'compromised' : 'no longer needed'}`,
      );
      if (await deps.keys.retire(kid, deps.clock())) return { kind: 'retired' };
      // Our own write, applied and tried again by the SDK, or another operator's: either way it is done.
      const now = (await list()).find((each) => each.kid === kid);
      if (now?.state.kind === 'retired') return { kind: 'retired' };
      throw new Error('the key is being changed by others');
    },
  };
}

/** The record comes first: no key signs that the audit does not know. */
async function add(deps: Deps, known: number): Promise<RotationOutcome | undefined> {
  const key = await deps.keys.prepare();
  await record(deps, 'key.added', key.kid);
  const outcome = { kind: 'added' as const, kid: key.kid, signsFrom: key.createdAt + PUBLISH_LEAD_MS };
  if (await key.add(known)) return outcome;
  // The SDK may have tried again a write that was applied, and met it.
  if ((await deps.keys.list()).some(({ kid }) => kid === key.kid)) return outcome;
  await record(deps, 'key.retired', `${key.kid}: another operator was first`);
  return undefined;
}

function refusalOf(
  known: KeyListing,
  key: KeyListing[number] | undefined,
  compromised: boolean,
): RetirementOutcome | undefined {
  if (!key) return { kind: 'unknown' };
  const { state } = key;
  if (state.kind === 'retired') return { kind: 'already' };
  const others = known.filter((each) => each !== key && each.state.kind !== 'retired');
  if (others.length === 0) return { kind: 'only_key' };
  if (compromised || state.kind === 'past') return undefined;
  return state.kind === 'superseded' ? { kind: 'needed', until: state.neededUntil } : { kind: state.kind };
}

function record(deps: Deps, type: 'key.added' | 'key.retired', reason: string): Promise<void> {
  return deps.audit.append({
    id: deps.random.uuid(),
    at: deps.clock(),
    type,
    actor: 'operator',
    reason: `key ${reason}`,
  });
}
