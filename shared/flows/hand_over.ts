import type { Target } from '../domain/connection.js';
import { targetKey } from '../domain/connection.js';
import { digest } from '../domain/digest.js';
import { isNearEnd } from '../domain/near_end.js';
import { type Subject, subjectKey } from '../domain/subject.js';
import type { Clock, DueItem, LiveToken, Log, Once } from '../ports.js';

/**
 * What is to be renewed by the queue's worker after this token was served; undefined when it has time, or somebody has said so already.
 */
export type HandOver = (subject: Subject, target: Target, token: LiveToken) => Promise<DueItem | undefined>;

interface Deps {
  readonly once: Once;
  readonly windowSeconds: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Serving while refreshing: near its end a token is still served, and its renewal handed to the queue, once for all instances and requests.
 * Nothing is done after the answer: the platform may stop a process then. A message that is lost costs little: what is not renewed by then
 * is refreshed by whoever asks at the end.
 */
export function createHandOver({ once, windowSeconds, clock, log }: Deps): HandOver {
  return async (subject, target, token) => {
    const now = clock();
    if (!isNearEnd(token, windowSeconds, now)) return undefined;
    const key = digest('renewal', subjectKey(subject), targetKey(target), String(token.expiresAt));
    try {
      return (await once.first(key, token.expiresAt)) ? { subject, dueAt: now, target } : undefined;
    } catch (error) {
      log.warn('a renewal could not be handed over', {
        error: error instanceof Error ? error.name : 'unknown',
      });
      return undefined;
    }
  };
}
