import type { Connection } from './connection.js';

/** What ends a provider's credential without anybody's doing. Seconds. */
export interface CredentialLimits {
  /** The credential dies when it is not used for so long. */
  readonly inactivitySeconds?: number;
  /** A token is renewed when less than this is left, because afterwards it could not be. */
  readonly renewBeforeSeconds?: number;
}

/** An end that can be seen coming. `at` in ms. */
export interface PredictedEnd {
  readonly cause: 'inactivity' | 'absolute';
  readonly at: number;
}

/**
 * The ends of a connection that follow from what is known now, soonest first: by inactivity, counted from the last refresh, and by the
 * end the provider has set for the credential itself. Each refresh moves the first; a renewed credential moves the second.
 */
export function predictedEnds(
  connection: Pick<Connection, 'refreshedAt' | 'credentialEndsAt'>,
  { inactivitySeconds }: CredentialLimits,
): readonly PredictedEnd[] {
  const ends: PredictedEnd[] = [];
  if (inactivitySeconds !== undefined) {
    ends.push({ cause: 'inactivity', at: connection.refreshedAt + inactivitySeconds * 1000 });
  }
  if (connection.credentialEndsAt !== undefined) {
    ends.push({ cause: 'absolute', at: connection.credentialEndsAt });
  }
  return ends.sort((a, b) => a.at - b.at);
}
