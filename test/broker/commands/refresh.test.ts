import { beforeEach, describe, expect, it } from 'vitest';
import { createArchive } from '../../../shared/adapters/tables/archive.js';
import { createOutbox } from '../../../shared/adapters/tables/outbox.js';
import { createRefreshCommand } from '../../../shared/commands/refresh.js';
import { createOperateUpkeep } from '../../../shared/flows/operate_upkeep.js';
import { createSweep } from '../../../shared/flows/sweep.js';
import { type Bench, createBench } from '../support/bench.js';
import { memoryTables } from '../support/memory_tables.js';
import { NOW } from '../support/samples.js';
import { failing } from '../support/scripted_provider.js';
import { upkeepUsers } from '../support/upkeep_users.js';

const HOUR = 3_600_000;
let bench: Bench;
let tables: ReturnType<typeof memoryTables>;

beforeEach(() => {
  tables = memoryTables(() => bench?.time.now ?? NOW);
  bench = createBench(tables);
});

const { users, asked, connection } = upkeepUsers(() => bench);

function operator() {
  const archive = createArchive({
    connections: bench.rows.connections,
    grants: bench.rows.grants,
    failures: bench.rows.failures,
    tokenIds: tables.table('tokenIds'),
    positions: tables.table('positions'),
    store: bench.connections,
  });
  const outbox = createOutbox({ entries: tables.table('events'), due: tables.table('eventsDue') });
  const sweep = createSweep({
    ...bench,
    archive,
    outbox,
    limitsOf: () => ({}),
    patience: { endedDays: 30, deadDays: 30, grantDays: 30, idleDays: 90, unreachableDays: 90 },
    failuresKeptDays: 90,
    quarantineKeptDays: 30,
    registrations: [],
  });
  return createOperateUpkeep({ ...bench, archive, outbox, sweep, providers: ['aad'] });
}

async function run(...args: string[]): Promise<{ code: number; text: string }> {
  const lines: string[] = [];
  const code = await createRefreshCommand(operator)({ args, print: (line) => lines.push(line) });
  return { code, text: lines.join('\n') };
}

const acts = async () => (await bench.audited('operator.acted')).map(({ reason }) => reason);

describe('npm run refresh', () => {
  it('status shows the timer, what is due, and what is in trouble', async () => {
    await users(2);
    bench.time.now += HOUR;
    const { code, text } = await run('status');
    expect(code).toBe(0);
    expect(text).toMatch(/last run .* \(3600 s ago\)/);
    expect(text).toMatch(/due +2 now/);
    const { text: asJson } = await run('status', '--json');
    expect(JSON.parse(asJson)).toMatchObject({ due: 2, quarantined: 0, providers: [{ provider: 'aad' }] });
  });

  it('run does a run here; a dry run asks nobody and writes nothing', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    bench.time.now += HOUR;
    expect((await run('run', '--dry-run')).text).toBe('1 connections are due (dry run)');
    expect(asked(alice)).toBe(0);
    expect(await acts()).toEqual([]);
    expect((await run('run')).text).toBe('1 connections worked on');
    expect(asked(alice)).toBe(1);
    expect(await acts()).toEqual(['refresh run']);
  });

  it('retry tries a grant at once, whatever wait it is in, and says what came of it', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    const [grant] = await bench.grants.ofSubject(alice);
    bench.time.now += HOUR;
    bench.provider.answers(() => failing('interaction_required'));
    await bench.tick();
    expect(await run('retry', grant?.value.grantId ?? '')).toMatchObject({
      code: 1,
      text: expect.stringContaining('still failing: user_action_required: interaction_required'),
    });
    bench.provider.answersWell();
    expect(await run('retry', grant?.value.grantId ?? '')).toMatchObject({ code: 0 });
    expect((await connection(alice))?.refreshedAt).toBe(bench.time.now);
    expect((await run('retry', 'unknown')).code).toBe(1);
  });

  it('retry does not say that all is well where nobody may be asked', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    const [grant] = await bench.grants.ofSubject(alice);
    bench.time.now += HOUR;
    bench.provider.answers(() => failing('invalid_client', { status: 401 }));
    expect(await run('retry', grant?.value.grantId ?? '')).toMatchObject({
      code: 1,
      text: expect.stringContaining('still failing: circuit open'),
    });
  });

  it('retry does not say that nothing fails while somebody else has it, nor holds them up longer', async () => {
    const [alice] = await users(1);
    if (!alice) throw new Error('no user');
    const [grant] = await bench.grants.ofSubject(alice);
    bench.time.now += HOUR;
    const found = await bench.connections.find(alice);
    if (!found) throw new Error('no connection');
    await bench.connections.replace({ ...found.value, claim: { attemptId: 'other' } }, found.etag);
    bench.time.now += 20_000;
    expect(await run('retry', grant?.value.grantId ?? '')).toMatchObject({
      code: 1,
      text: expect.stringContaining('not tried'),
    });
    bench.time.now += 10_000;
    expect(await run('retry', grant?.value.grantId ?? '')).toMatchObject({ code: 0 });
    expect(asked(alice)).toBe(1);
  });

  it('one row that cannot be read hides nothing of the others, and is counted', async () => {
    const events = tables.table('events');
    await events.insert({ partitionKey: 'dead', rowKey: 'x', schema: 1 });
    await events.insert({ partitionKey: 'event-x', rowKey: 'x', schema: 99 });
    await bench.quarantineTable.insert({ partitionKey: 'quarantine', rowKey: 'x', schema: 99 });
    await bench.setAside.message('unreadable');
    await tables.table('positions').insert({ partitionKey: 'sweep', rowKey: 'position', schema: 99 });
    expect((await run('quarantine', 'list')).text).toContain('message: the worker gave it up');
    expect((await run('events', 'list')).code).toBe(0);
    const { text } = await run('status', '--json');
    expect(JSON.parse(text)).toMatchObject({ quarantined: 1, eventsGivenUp: 0, unreadable: 2 });
    expect((await run('reap')).code).toBe(0);
    expect(JSON.parse((await run('status', '--json')).text).round).toMatchObject({ done: true });
  });

  it('quarantine lists what is set aside, and releases it for the next run', async () => {
    const [poison] = await users(1);
    if (!poison) throw new Error('no user');
    const found = await bench.connections.find(poison);
    if (!found) throw new Error('no connection');
    const { refreshToken } = found.value;
    await bench.connections.replace({ ...found.value, refreshToken: 'unsealed' }, found.etag);
    bench.time.now += HOUR;
    await bench.tick();
    const [entry] = (await bench.quarantine.list({ limit: 1 })).items;
    expect((await run('quarantine', 'list')).text).toContain(`${entry?.id}  connection aad:`);
    const now = await bench.connections.find(poison);
    if (!now || !refreshToken) throw new Error('no connection');
    await bench.connections.replace({ ...now.value, refreshToken }, now.etag);
    bench.time.now += 60_000;
    expect((await run('quarantine', 'release', entry?.id ?? '')).code).toBe(0);
    expect((await run('quarantine', 'list')).text).toBe('nothing is set aside');
    await bench.tick();
    expect(asked(poison)).toBe(1);
    expect((await run('quarantine', 'release', 'unknown')).code).toBe(1);
  });

  it('guard shows, confirms and clears, each on the audit', async () => {
    for (let death = 0; death < 5; death++) await bench.deathGuard.mayBury('aad');
    expect(await run('guard', 'show', 'aad')).toMatchObject({
      code: 1,
      text: expect.stringContaining('NOT believed'),
    });
    expect(await run('guard', 'confirm', 'aad')).toMatchObject({ code: 0 });
    expect(await bench.deathGuard.mayBury('aad')).toBe(true);
    bench.time.now += 1000;
    expect((await run('guard', 'clear', 'aad')).text).toBe('aad: 0 tried, 0 died within the hour');
    expect(await acts()).toEqual(['guard confirm aad', 'guard clear aad']);
  });

  it('reap in a dry run counts and changes nothing', async () => {
    await users(2);
    bench.time.now += 200 * 24 * HOUR;
    const { text } = await run('reap', '--dry-run');
    expect(text).toMatch(/2 connections looked at/);
    expect(text).toMatch(/idle +2/);
    expect(await acts()).toEqual([]);
  });

  it.each([['retry'], ['quarantine', 'release'], ['events', 'revive']])(
    'an id that begins with a hyphen, as one in 64 does, is no option: %s %s',
    async (...words: string[]) => {
      for (const id of [`-${'a'.repeat(42)}`, `--${'a'.repeat(41)}`]) {
        expect((await run(...words, id)).code).toBe(1);
        expect((await run(...words, '--json', id)).text).toMatch(/^\{/);
      }
    },
  );

  it.each([
    [[]],
    [['dance']],
    [['retry']],
    [['retry', 'a', 'b']],
    [['guard', 'confirm']],
    [['guard', 'believe', 'aad']],
    [['quarantine', 'list', 'x']],
    [['status', '--loud']],
  ])('what cannot be understood is refused: %j', async (args: string[]) => {
    await expect(run(...args)).rejects.toMatchObject({ name: 'UsageFault' });
  });
});
