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
  /** From when on it threatens, ms: before, refreshes as they should come move it in good time. */
  readonly threatensFrom: number;
}

/**
 * The ends of a connection that follow from what is known now, soonest first: by inactivity, counted from the last refresh, and by the
 * end the provider has set for the credential itself. Each refresh moves the first, so it threatens once half its time has passed without
 * one. A session's own end is moved by each refresh too, and is its inactivity by another name.
 */
export function predictedEnds(
  connection: Pick<Connection, 'refreshedAt' | 'credentialEndsAt' | 'credentialKind'>,
  { inactivitySeconds }: CredentialLimits,
): readonly PredictedEnd[] {
  const ends: PredictedEnd[] = [];
  if (inactivitySeconds !== undefined) {
    const { refreshedAt } = connection;
    const threatensFrom = refreshedAt + inactivitySeconds * 500;
    ends.push({ cause: 'inactivity', at: refreshedAt + inactivitySeconds * 1000, threatensFrom });
  }
  if (connection.credentialEndsAt !== undefined && connection.credentialKind !== 'session') {
    ends.push({ cause: 'absolute', at: connection.credentialEndsAt, threatensFrom: connection.refreshedAt });
  }
  return ends.sort((a, b) => a.at - b.at);
}
