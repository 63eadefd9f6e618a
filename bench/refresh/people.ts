import { randomUUID } from 'node:crypto';
import { GRAPH, TENANT } from '../../local/demo/tenant.js';
import { createSealer, type Sealer } from '../../local/identity_provider/sealed.js';
import { type Adapters, createAdapters } from '../../shared/compose/adapters.js';
import { SYSTEM } from '../../shared/compose/system.js';
import type { Connection, KeptToken } from '../../shared/domain/connection.js';
import { newGrantId } from '../../shared/domain/grant.js';
import { accessTokenSeal, refreshTokenSeal } from '../../shared/domain/seal_context.js';
import type { Subject } from '../../shared/domain/subject.js';
import { readSettings } from '../../shared/settings.js';
import { APP, CLIENT, SCOPE, userId, type World } from './world.js';

const HOUR = 3_600_000;
const AT_ONCE = 16;
const target = { resource: GRAPH, scope: SCOPE };

/** Long-running users, written as enrolment leaves them, without a sign-in for each. */
export interface People {
  readonly adapters: Adapters;
  /** Enrols users `from` up to `to`; the first `due` of them have a token about to end, the rest one that has just been had. */
  enrol(range: { from: number; to: number; due: number }): Promise<void>;
  /** Puts the due ones into the index: from now on the timer finds them. */
  release(): Promise<void>;
  refreshToken(index: number): string;
}

export function peopleOf(world: World): People {
  const adapters = createAdapters(readSettings(world.env), SYSTEM);
  const sealer = createSealer(world.providerKey);
  const waiting: { subject: Subject; dueAt: number }[] = [];
  const refreshToken = (index: number) => refreshTokenOf(sealer, index);
  return {
    adapters,
    refreshToken,
    async enrol({ from, to, due }) {
      const indices = Array.from({ length: to - from }, (_, offset) => from + offset);
      await inParallel(indices, async (index) => {
        const isDue = index < from + due;
        const connection = await enrolOne(adapters, { index, isDue, refreshToken: refreshToken(index) });
        const item = { subject: connection.subject, dueAt: connection.dueAt ?? 0 };
        if (isDue) waiting.push(item);
        else await adapters.due.put(item);
      });
    },
    async release() {
      await inParallel(waiting.splice(0), (item) => adapters.due.put(item));
    },
  };
}

function refreshTokenOf(sealer: Sealer, index: number): string {
  const now = Date.now();
  const authn = { authTime: now, mfa: false, sid: randomUUID(), issued: now };
  const scope = `openid profile offline_access ${GRAPH}/.default`;
  return sealer.seal('refresh', {
    ...authn,
    client: APP.appId,
    oid: userId(index),
    tid: TENANT.tid,
    scope,
  });
}

async function enrolOne(
  { connections, grants, vault }: Adapters,
  { index, isDue, refreshToken }: { index: number; isDue: boolean; refreshToken: string },
): Promise<Connection> {
  const now = Date.now();
  const subject = { provider: 'aad', tenant: TENANT.tid, id: userId(index) };
  const owner = { subject, enrolment: randomUUID(), generation: 1 };
  const obtainedAt = isDue ? now - HOUR : now;
  const kept: KeptToken = {
    ...owner,
    target,
    token: {
      sealed: await vault.seal('an access token of no use'.repeat(60), accessTokenSeal(owner, target)),
      scope: SCOPE,
      obtainedAt,
      expiresAt: obtainedAt + HOUR + 60_000,
    },
  };
  const connection: Connection = {
    ...owner,
    state: 'active',
    refreshToken: await vault.seal(refreshToken, refreshTokenSeal(owner)),
    createdAt: now,
    renewedAt: now,
    refreshedAt: obtainedAt,
    dueAt: isDue ? now : now + HOUR / 2,
  };
  await grants.create({
    grantId: newGrantId(subject, SYSTEM.random.bytes(16)),
    subject,
    clientId: CLIENT,
    resource: GRAPH,
    scope: SCOPE,
    createdAt: now,
    expiresAt: now + 60 * 24 * HOUR,
  });
  await connections.create(connection, { keep: [kept] });
  return connection;
}

export async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await run(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
