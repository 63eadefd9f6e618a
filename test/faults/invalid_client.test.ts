import { describe, expect, it } from 'vitest';
import type { Row } from '../../shared/adapters/tables/table.js';
import { refreshTokenSeal } from '../../shared/domain/seal_context.js';
import type { Subject } from '../../shared/domain/subject.js';
import type { ProviderAnswer } from '../../shared/ports.js';
import { MAIL } from '../broker/support/refreshing.js';
import { connectionOf, GRAPH, grantOf, NOW, someone } from '../broker/support/samples.js';
import { idTokenOf } from '../broker/support/scripted_provider.js';
import { createInstance, createStorage, type Instance, vault } from './support/instance.js';
import { createWorld } from './support/world.js';

const USERS = 120;
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const REFUSED: ProviderAnswer = {
  ok: false,
  failure: { status: 401, error: 'invalid_client', codes: [7000222] },
};

describe('a client secret that has run out under everybody', () => {
  it('for an hour and a half: no row of any user changes, one alarm; and mended, all recover by themselves', async () => {
    const world = createWorld(1, NOW);
    const storage = createStorage(world);
    const provider = { broken: false, calls: 0 };
    const redeem = (refreshToken: string) => async (): Promise<ProviderAnswer> => {
      provider.calls += 1;
      const [, id = '', count = '0'] = refreshToken.split('.');
      const next = `rt.${id}.${Number(count) + 1}`;
      const tokens = { accessToken: `at.${id}`, refreshToken: next, expiresIn: 3600, scope: MAIL.scope };
      const idToken = idTokenOf({ ...someone(), id });
      return provider.broken ? REFUSED : { ok: true, tokens: { ...tokens, idToken } };
    };
    const manners = { rotation: 'replace-keep-old', replayMs: 0 } as const;
    const alarms: string[] = [];
    const instances = ['one', 'two', 'three'].map((name) =>
      createInstance({ world, storage, manners, redeem, name, onAlarm: (text) => alarms.push(text) }),
    );
    const [one] = instances;
    if (!one) throw new Error('there is no instance');
    const users = Array.from({ length: USERS }, () => someone('user'));
    /** All instances at once, minute by minute. */
    const pass = async (ms: number) => {
      for (const end = world.now() + ms; world.now() < end; ) {
        await Promise.all(instances.map(tick));
        await world.sleep(MINUTE);
      }
    };
    await world.run(
      (async () => {
        for (const user of users) await enrol(one, user);
        await pass(30 * MINUTE);
        const before = withoutClaims(storage('connections').rows());
        const healthy = provider.calls;
        provider.broken = true;
        await pass(90 * MINUTE);
        expect(withoutClaims(storage('connections').rows())).toEqual(before);
        expect(alarms).toEqual(['the provider refuses the app registration']);
        expect(await audited(one, 'circuit.opened', world.now())).toBe(1);
        // The first of each instance's work in flight, and then one a minute that tests whether it is mended.
        expect(provider.calls - healthy).toBeLessThan(3 * 8 + 100);
        provider.broken = false;
        await pass(30 * MINUTE);
        expect(await audited(one, 'circuit.closed', world.now())).toBe(1);
        expect(alarms).toHaveLength(1);
        for (const user of users) {
          const kept = await one.connections.keptToken(user, MAIL);
          expect(kept?.token?.expiresAt).toBeGreaterThan(world.now());
        }
      })(),
    );
  }, 120_000);
});

async function enrol({ connections, grants, due }: Instance, subject: Subject): Promise<void> {
  const owner = connectionOf(subject, { dueAt: NOW });
  const refreshToken = await vault.seal(`rt.${subject.id}.0`, refreshTokenSeal(owner));
  await due.put({ subject, dueAt: NOW });
  await connections.create({ ...owner, refreshToken });
  const grant = { resource: GRAPH, scope: MAIL.scope, expiresAt: NOW + 30 * 24 * HOUR };
  await grants.create(grantOf(subject, grant));
}

async function tick({ findDue, workDue }: Instance): Promise<void> {
  await Promise.all((await findDue()).map(workDue));
}

function withoutClaims(rows: readonly Row[]): readonly object[] {
  return rows.map(({ claimAttemptId: _, lastAttemptId: __, ...rest }) => rest);
}

async function audited({ audit }: Instance, type: string, now: number): Promise<number> {
  return (await audit.query({ from: 0, to: now + 1, limit: 1000, match: { type } })).items.length;
}
