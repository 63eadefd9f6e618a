import { isRecord } from '../config/reader.js';
import type { LogFormat, LogLevel } from '../log.js';
import type { GatewayPlan } from '../plan.js';

/** What the first process of a gateway says to a worker. */
export type ToWorker =
  | {
      readonly kind: 'start';
      readonly plan: GatewayPlan;
      readonly prunes: boolean;
      readonly level: LogLevel;
      readonly format: LogFormat;
    }
  | { readonly kind: 'stop' }
  /** Another worker changed the user's tokens; answered with `forgot`. */
  | { readonly kind: 'forget'; readonly user: string; readonly id: number }
  /** The answer to `changed` or `claim`. */
  | { readonly kind: 'done'; readonly id: number; readonly first: boolean };

/** What a worker says to the first process. */
export type ToPrimary =
  /** It hears; what was said before is lost. Answered with `start`. */
  | { readonly kind: 'here' }
  | { readonly kind: 'listening' }
  | { readonly kind: 'failed'; readonly problems: readonly string[] }
  | { readonly kind: 'changed'; readonly user: string; readonly id: number }
  | { readonly kind: 'forgot'; readonly id: number }
  | { readonly kind: 'claim'; readonly key: string; readonly until: number; readonly id: number };

const toWorker: readonly string[] = ['start', 'stop', 'forget', 'done'] satisfies ToWorker['kind'][];
const toPrimary: readonly string[] = [
  'here',
  'listening',
  'failed',
  'changed',
  'forgot',
  'claim',
] satisfies ToPrimary['kind'][];

function kindOf(message: unknown): string {
  return isRecord(message) && typeof message.kind === 'string' ? message.kind : '';
}

/** A message of ours; others, such as a debugger's, are none. The channel joins two processes of one program and nobody else. */
export function isToWorker(message: unknown): message is ToWorker {
  return toWorker.includes(kindOf(message));
}

/** As `isToWorker`, in the other direction. */
export function isToPrimary(message: unknown): message is ToPrimary {
  return toPrimary.includes(kindOf(message));
}
