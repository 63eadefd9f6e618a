import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { askFor, withProcesses } from './support/processes.js';

const on = withProcesses();
const CALLERS = 50;

describe('three processes and one connection', () => {
  it('fifty callers in each at once: the provider is asked once, and all are served', async () => {
    const grantId = await on.grant('everybodys');
    const processes = await Promise.all([on.start(), on.start(), on.start()]);
    on.entra.forms.length = 0;
    const asked = Array.from({ length: CALLERS }, () => askFor(grantId));
    const answers = (await Promise.all(processes.map((each) => each.ask(asked)))).flat();
    expect(answers).toHaveLength(3 * CALLERS);
    expect([...new Set(answers.map(({ status }) => status))]).toEqual([200]);
    expect(new Set(answers.map(({ body }) => body.access_token)).size).toBe(1);
    expect(on.entra.forms).toHaveLength(1);
    for (const each of processes) each.kill();
  });
});

describe('a process that is killed while it refreshes', () => {
  const USERS = 12;
  /** So that every one of them is somewhere else when it happens. */
  const APART_MS = 12;

  it('leaves every connection alive: the next process serves them all, each with what is its own', async () => {
    const oids = Array.from({ length: 2 * USERS }, (_, index) => `user${index}`);
    const grants = await Promise.all(oids.map((oid) => on.grant(oid)));
    on.entra.forms.length = 0;
    for (const [round, half] of [grants.slice(0, USERS), grants.slice(USERS)].entries()) {
      const doomed = await on.start();
      for (const grantId of half) {
        void doomed.ask([askFor(grantId)]).catch(() => undefined);
        await sleep(APART_MS);
      }
      while (on.entra.forms.length < round * USERS + USERS / 3) await sleep(5);
      doomed.kill();
    }
    const shownToTheDead = shown();
    const heir = await on.start({ TEST_ROWS_OLDER_MS: '30000' });
    for (const scope of ['Mail.Read', 'User.Read']) {
      const answers = await heir.ask(grants.map((grantId) => askFor(grantId, scope)));
      expect([...new Set(answers.map(({ status }) => status))]).toEqual([200]);
      const owners = answers.map(({ body }) => body.access_token?.split('.')[1]);
      expect(owners).toEqual(oids);
    }
    const again = shown().slice(shownToTheDead.length);
    expect(new Set(again).size).toBe(again.length);
    expect(shownToTheDead.length).toBeGreaterThan(0);
    heir.kill();
  });

  /** The refresh tokens the provider was shown, in order. */
  function shown(): readonly string[] {
    return on.entra.forms.map((form) => new URLSearchParams(form).get('refresh_token') ?? '');
  }
});
