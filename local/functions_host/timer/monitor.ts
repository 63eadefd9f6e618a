import { isObject } from '../app/json_file.js';
import type { TextBlob } from '../storage/blobs.js';
import type { Schedule } from './schedule.js';

/** What is kept of a timer between runs and restarts: instants in milliseconds; `last` undefined when it never ran. */
export interface ScheduleStatus {
  last: number | undefined;
  next: number;
  lastUpdated: number;
}

// .NET's DateTime.MinValue, which stands for "never".
const never = '0001-01-01T00:00:00';

/** The status as the real host stores it and hands it to the function. */
export function statusJson(status: ScheduleStatus): { Last: string; Next: string; LastUpdated: string } {
  return {
    Last: status.last === undefined ? never : new Date(status.last).toISOString(),
    Next: new Date(status.next).toISOString(),
    LastUpdated: new Date(status.lastUpdated).toISOString(),
  };
}

/** The stored status; undefined when there is none or it cannot be read as one. Rejects when storage does not answer. */
export async function readStatus(blob: TextBlob): Promise<ScheduleStatus | undefined> {
  const text = await blob.read();
  if (!text) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(value)) return undefined;
  const next = toInstant(value.Next);
  const last = toInstant(value.Last);
  const lastUpdated = toInstant(value.LastUpdated) ?? last;
  return next === undefined || lastUpdated === undefined ? undefined : { last, next, lastUpdated };
}

/** Stores the status. Rejects when storage does not answer. */
export function writeStatus(blob: TextBlob, status: ScheduleStatus): Promise<void> {
  return blob.write(JSON.stringify(statusJson(status)));
}

function toInstant(value: unknown): number | undefined {
  if (typeof value !== 'string' || value.startsWith('0001-')) return undefined;
  const time = Date.parse(value);
  return Number.isNaN(time) ? undefined : time;
}

/**
 * The status to go on with at a start, `stored` being what the last process left: `changed` when it has to be stored. Next is computed
 * again from Last; when it differs the schedule was changed meanwhile, and a run missed under the new one is not made up for.
 */
export function resumeStatus(
  stored: ScheduleStatus | undefined,
  schedule: Schedule,
  now: number,
): { status: ScheduleStatus | undefined; changed: boolean } {
  const from = stored?.last ?? stored?.lastUpdated ?? now;
  let expected = schedule.next(from);
  if (stored && expected === stored.next) return { status: stored, changed: false };
  let lastUpdated = from;
  if (expected !== undefined && now > expected) {
    expected = schedule.next(now);
    lastUpdated = now;
  }
  if (expected === undefined) return { status: undefined, changed: false };
  return { status: { last: undefined, next: expected, lastUpdated }, changed: true };
}
