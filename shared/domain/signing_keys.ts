/** Anything with an age: which key signs and which are published follows from the times alone. */
export interface Aged {
  /** ms */
  readonly createdAt: number;
  /** Withdrawn by an operator, ms: it neither signs nor is published from then on. */
  readonly retiredAt?: number;
}

/** A new key is published this long before it signs, so that every verifier's cached key set knows it by then. */
export const PUBLISH_LEAD_MS = 15 * 60_000;
/** A superseded key stays published until the last token it signed has ended. */
export const RETIRE_AFTER_MS = 25 * 3_600_000;

/** The newest key that has been published long enough; a first key signs at once, having nobody to overtake. */
export function signingKey<T extends Aged>(keys: readonly T[], now: number): T | undefined {
  const oldestFirst = standing(keys);
  return oldestFirst.findLast((key) => key.createdAt <= now - PUBLISH_LEAD_MS) ?? oldestFirst[0];
}

/** All keys a verifier may still need. */
export function publishedKeys<T extends Aged>(keys: readonly T[], now: number): readonly T[] {
  const oldestFirst = standing(keys);
  return oldestFirst.filter((_, index) => {
    const successor = oldestFirst[index + 1];
    return successor === undefined || now < neededUntil(successor);
  });
}

/** Until when tokens signed by the key before this one may be alive. */
function neededUntil({ createdAt }: Aged): number {
  return createdAt + PUBLISH_LEAD_MS + RETIRE_AFTER_MS;
}

function standing<T extends Aged>(keys: readonly T[]): readonly T[] {
  return keys.filter(({ retiredAt }) => retiredAt === undefined).sort((a, b) => a.createdAt - b.createdAt);
}

/** Where a key stands in its life. Times in ms. */
export type KeyState =
  | { readonly kind: 'signing' }
  /** Published, and to sign from then on. */
  | { readonly kind: 'coming'; readonly signsFrom: number }
  /** Tokens it signed may live until then. */
  | { readonly kind: 'superseded'; readonly neededUntil: number }
  | { readonly kind: 'past' }
  | { readonly kind: 'retired'; readonly at: number };

/** The state of each key, oldest first. */
export function keyStates<T extends Aged>(
  keys: readonly T[],
  now: number,
): readonly (T & { readonly state: KeyState })[] {
  const signer = signingKey(keys, now);
  const oldestFirst = standing(keys);
  const stateOf = (key: T): KeyState => {
    if (key.retiredAt !== undefined) return { kind: 'retired', at: key.retiredAt };
    if (key === signer) return { kind: 'signing' };
    if (key.createdAt > now - PUBLISH_LEAD_MS) {
      return { kind: 'coming', signsFrom: key.createdAt + PUBLISH_LEAD_MS };
    }
    const successor = oldestFirst[oldestFirst.indexOf(key) + 1];
    const until = successor === undefined ? Number.POSITIVE_INFINITY : neededUntil(successor);
    return now < until ? { kind: 'superseded', neededUntil: until } : { kind: 'past' };
  };
  return [...keys].sort((a, b) => a.createdAt - b.createdAt).map((key) => ({ ...key, state: stateOf(key) }));
}
