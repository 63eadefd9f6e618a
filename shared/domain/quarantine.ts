import { digest } from './digest.js';
import { type Subject, subjectKey } from './subject.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WAITS = [5 * MINUTE, 15 * MINUTE, HOUR, 6 * HOUR, 24 * HOUR] as const;

/** How long something that could not be worked on is left alone, after so many times: soon at first, once a day in the end. */
export function setAsideFor(times: number): number {
  return WAITS[Math.min(Math.max(1, times), WAITS.length) - 1] ?? 24 * HOUR;
}

/** One entry a connection, however often it fails. */
export function connectionEntry(subject: Subject): string {
  return digest('quarantine', 'connection', subjectKey(subject));
}

export function rowEntry(partitionKey: string, rowKey: string): string {
  return digest('quarantine', 'due_row', partitionKey, rowKey);
}

export function messageEntry(text: string): string {
  return digest('quarantine', 'message', text);
}
