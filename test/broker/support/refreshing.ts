import { beforeEach, expect } from 'vitest';
import type { Connection } from '../../../shared/domain/connection.js';
import { refreshTokenSeal } from '../../../shared/domain/seal_context.js';
import type { Subject } from '../../../shared/domain/subject.js';
import type { RefreshOutcome, RefreshRequest } from '../../../shared/flows/refresh_connection.js';
import { type Bench, createBench } from './bench.js';
import { GRAPH, someone } from './samples.js';
import { refreshTokenOf } from './scripted_provider.js';
import type { TestTables } from './tables.js';

export const MAIL = { resource: GRAPH, scope: ['Mail.Read'] };
export const USER = { resource: GRAPH, scope: ['User.Read'] };

export interface Refreshing {
  /** New for each test. */
  readonly bench: Bench;
  /** Connected, and nothing asked for yet. */
  readonly alice: Subject;
  connect(subject: Subject): Promise<void>;
  /** Asks for Alice's mail token as the token endpoint would, unless told otherwise. */
  ask(more?: Partial<RefreshRequest>): Promise<RefreshOutcome>;
  stored(subject?: Subject): Promise<Connection>;
  /** Alice's credential as stored, opened. */
  credential(): Promise<string>;
  /** Lets the others run until something holds. */
  until(holds: () => boolean): Promise<void>;
}

/** A bench with one connected user, for tests of refreshing. */
export function withRefreshing(tables: TestTables): Refreshing {
  let bench = createBenchLater;
  let alice = someone('alice');
  beforeEach(async () => {
    const fresh = createBench(tables);
    bench = () => fresh;
    alice = someone('alice');
    await on.connect(alice);
  });
  const on: Refreshing = {
    get bench() {
      return bench();
    },
    get alice() {
      return alice;
    },
    async connect(subject) {
      await bench().takeOver({ subject, refreshToken: refreshTokenOf(subject), correlationId: 'c' });
      bench().provider.calls.length = 0;
    },
    ask: (more = {}) =>
      bench().refresh({
        subject: alice,
        target: MAIL,
        minTtlSeconds: 10,
        acceptShorter: true,
        cause: 'token',
        patienceMs: 15_000,
        ...more,
      }),
    async stored(subject = alice) {
      const found = await bench().connections.find(subject);
      if (!found) throw new Error('there is no connection');
      return found.value;
    },
    async credential() {
      const connection = await on.stored();
      return bench().vault.open(connection.refreshToken ?? '', refreshTokenSeal(connection));
    },
    async until(holds) {
      for (let turn = 0; turn < 500 && !holds(); turn++) await bench().sleep();
      expect(holds()).toBe(true);
    },
  };
  return on;
}

function createBenchLater(): Bench {
  throw new Error('the bench is made before each test');
}
