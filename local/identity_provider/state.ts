import { Ajv } from 'ajv';
import { readIfPresent, replaceFile } from './files.js';
import { DEFAULT_SETTINGS, type Settings, type UserKnobs } from './knobs.js';
import { type SocialState, socialStateSchema } from './social_state.js';

/** What one user let one client do at one resource. `withheld` also cancels what an admin consented to. */
export type ConsentRecord = Readonly<{ granted: readonly string[]; withheld: readonly string[] }>;

export type StateData = {
  version: 1;
  users: Record<string, UserKnobs>;
  consents: Record<string, ConsentRecord>;
  /** Id of each redeemed code, with the time (ms) after which it would be refused as expired anyway. */
  usedCodes: Record<string, number>;
  settings: Settings;
  /** What the other personalities remember; absent until one of them has something to remember. */
  social?: SocialState;
};

export type StateStore = Readonly<{
  read: () => Readonly<StateData>;
  knobs: (oid: string) => UserKnobs;
  /** Changes the state at once for this process; resolves when the change is on disk. */
  change: (edit: (data: StateData) => void) => Promise<void>;
}>;

const number = { type: 'number' };
const words = { type: 'array', items: { type: 'string' } };
const valid = new Ajv().compile<StateData>({
  type: 'object',
  required: ['version', 'users', 'consents', 'usedCodes', 'settings'],
  properties: {
    version: { const: 1 },
    users: { type: 'object', additionalProperties: { type: 'object' } },
    consents: {
      type: 'object',
      additionalProperties: {
        type: 'object',
        required: ['granted', 'withheld'],
        properties: { granted: words, withheld: words },
      },
    },
    usedCodes: { type: 'object', additionalProperties: number },
    settings: {
      type: 'object',
      required: Object.keys(DEFAULT_SETTINGS),
      properties: {
        accessTokenSeconds: number,
        idTokenSeconds: number,
        refreshTokenSeconds: number,
        narrowing: { type: 'boolean' },
      },
    },
    social: socialStateSchema,
  },
});

function load(path: string): StateData {
  const text = readIfPresent(path);
  if (text === undefined) {
    return { version: 1, users: {}, consents: {}, usedCodes: {}, settings: DEFAULT_SETTINGS };
  }
  const data: unknown = JSON.parse(text);
  if (!valid(data)) throw new Error(`${path} is not a state file of this version`);
  return data;
}

/** Runs writes one after another; calls made during a write share the next one. */
function createFlush(write: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  let queued: Promise<void> | undefined;
  const start = (): Promise<void> => {
    queued = undefined;
    running = write().finally(() => {
      running = undefined;
    });
    return running;
  };
  return () => {
    if (queued !== undefined) return queued;
    if (running === undefined) return start();
    queued = running.then(start, start);
    return queued;
  };
}

/**
 * Opens the state kept in one JSON file, empty when there is none yet.
 * @throws Error when the file is there but cannot be used
 */
export function openState(path: string): StateStore {
  const data = load(path);
  const flush = createFlush(() => replaceFile(path, JSON.stringify(data)));
  return {
    read: () => data,
    knobs: (oid) => data.users[oid] ?? {},
    change: (edit) => {
      edit(data);
      return flush();
    },
  };
}

/** The key under which a user's consent to a client at a resource is kept. */
export function consentKey(oid: string, clientId: string, resourceId: string): string {
  return `${oid}|${clientId}|${resourceId}`;
}
