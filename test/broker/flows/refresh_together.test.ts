import { describe, expect, it } from 'vitest';
import type { RefreshOutcome, RefreshRequest } from '../../../shared/flows/refresh_connection.js';
import { refreshTogether } from '../../../shared/flows/refresh_together.js';
import { MAIL, USER } from '../support/refreshing.js';
import { someone } from '../support/samples.js';

const ALICE = someone('alice');
const want = (more: Partial<RefreshRequest> = {}): RefreshRequest => ({
  subject: ALICE,
  target: MAIL,
  minTtlSeconds: 10,
  acceptShorter: true,
  cause: 'token',
  patienceMs: 1000,
  ...more,
});

/** A refresh whose outcomes the test gives, in the order they were asked for. */
function scripted() {
  const asked: {
    request: RefreshRequest;
    give: (outcome: RefreshOutcome) => void;
    fail: (error: Error) => void;
  }[] = [];
  const time = { now: 0 };
  const refresh = refreshTogether(
    (request) => new Promise((give, fail) => asked.push({ request, give, fail })),
    () => time.now,
  );
  return { asked, time, refresh };
}

describe('callers in one process who want the same', () => {
  it('at the same time: one asks, all are given its outcome; whoever comes later asks anew', async () => {
    const { asked, refresh } = scripted();
    const all = [refresh(want()), refresh(want()), refresh(want())];
    expect(asked).toHaveLength(1);
    asked[0]?.give({ kind: 'alive' });
    expect(await Promise.all(all)).toEqual(Array(3).fill({ kind: 'alive' }));
    void refresh(want());
    expect(asked).toHaveLength(2);
  });

  it.each<[string, Partial<RefreshRequest>]>([
    ['another user', { subject: someone('bob') }],
    ['another target', { target: USER }],
    ['a longer life', { minTtlSeconds: 3000 }],
    ['nothing shorter', { acceptShorter: false }],
    ['what was planned at some time', { hadSince: 5 }],
    ['the timer', { cause: 'timer' }],
  ])('whoever wants %s asks for themselves', (_, more) => {
    const { asked, refresh } = scripted();
    void refresh(want());
    void refresh(want(more));
    expect(asked).toHaveLength(2);
  });

  it('whoever has patience left when the first has none goes on, with what is left', async () => {
    const { asked, time, refresh } = scripted();
    const first = refresh(want({ patienceMs: 0 }));
    time.now = 100;
    const second = refresh(want({ patienceMs: 1000 }));
    const third = refresh(want({ patienceMs: 0 }));
    time.now = 400;
    asked[0]?.give({ kind: 'busy' });
    expect(await first).toEqual({ kind: 'busy' });
    expect(await third).toEqual({ kind: 'busy' });
    expect(asked[1]?.request.patienceMs).toBe(700);
    asked[1]?.give({ kind: 'dead' });
    expect(await second).toEqual({ kind: 'dead' });
  });

  it('an error is that of all who waited for it, and of nobody after', async () => {
    const { asked, refresh } = scripted();
    const both = [refresh(want()), refresh(want())];
    asked[0]?.fail(new Error('storage'));
    for (const each of both) await expect(each).rejects.toThrow('storage');
    const next = refresh(want());
    asked[1]?.give({ kind: 'alive' });
    expect(await next).toEqual({ kind: 'alive' });
  });
});
