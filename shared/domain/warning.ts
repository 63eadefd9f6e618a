import { type BrokerEvent, eventOf } from './event.js';

const DAY = 86_400_000;
const STAGES = [1, 3, 14] as const;

/**
 * The warning that is due before an end: the nearest of 14, 3 and 1 days ahead, and none that is further ahead than its beginning. Its id is the same however often it is made, so it is sent once;
 * an end that moves is another end.
 */
export function warningOf(
  type: 'connection.dying' | 'grant.expiring' | 'registration.credential_expiring',
  end: {
    readonly subject: string;
    readonly what: string;
    readonly at: number;
    readonly action: string;
    /** When what ends had begun, where it may have been meant to be short, ms. */
    readonly since?: number;
  },
  now: number,
): BrokerEvent | undefined {
  const left = end.at - now;
  const stage = STAGES.find((days) => left <= days * DAY);
  if (stage === undefined || left <= 0) return undefined;
  // What never was meant to live longer than this is no news.
  if (end.since !== undefined && end.at - end.since <= stage * DAY) return undefined;
  // Ends that wander within a day are one end.
  const occasion = `${end.what} ${Math.floor(end.at / DAY)} ${stage}`;
  return eventOf(
    type,
    { subject: end.subject, at: now, occasion },
    { cause: end.what, endsAt: new Date(end.at).toISOString(), days: stage, action: end.action },
  );
}
