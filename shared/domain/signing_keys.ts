/** Anything with an age: which key signs and which are published follows from the times alone. */
interface Aged {
  /** ms */
  readonly createdAt: number;
}

/** A new key is published this long before it signs, so that every verifier's cached key set knows it by then. */
export const PUBLISH_LEAD_MS = 15 * 60_000;
/** A superseded key stays published until the last token it signed has ended. */
export const RETIRE_AFTER_MS = 25 * 3_600_000;

/** The newest key that has been published long enough; a first key signs at once, having nobody to overtake. */
export function signingKey<T extends Aged>(keys: readonly T[], now: number): T | undefined {
  const oldestFirst = byAge(keys);
  return oldestFirst.findLast((key) => key.createdAt <= now - PUBLISH_LEAD_MS) ?? oldestFirst[0];
}

/** All keys a verifier may still need. */
export function publishedKeys<T extends Aged>(keys: readonly T[], now: number): readonly T[] {
  const oldestFirst = byAge(keys);
  return oldestFirst.filter((_, index) => {
    const successor = oldestFirst[index + 1];
    return successor === undefined || now < successor.createdAt + PUBLISH_LEAD_MS + RETIRE_AFTER_MS;
  });
}

function byAge<T extends Aged>(keys: readonly T[]): readonly T[] {
  return [...keys].sort((a, b) => a.createdAt - b.createdAt);
}
