import { decodeProtectedHeader } from 'jose';
import { beforeEach, describe, expect, it } from 'vitest';
import { createKeyRing } from '../../../shared/adapters/jose/key_ring.js';
import { createSigningKeys } from '../../../shared/adapters/jose/signing_keys.js';
import { createTokens } from '../../../shared/adapters/jose/tokens.js';
import { systemRandom } from '../../../shared/adapters/system.js';
import { createAuditLog } from '../../../shared/adapters/tables/audit.js';
import { createSigningKeyStore } from '../../../shared/adapters/tables/signing_keys.js';
import { createVault } from '../../../shared/adapters/vault/envelope.js';
import { createKeyVault } from '../../../shared/adapters/vault/key_vault.js';
import { UsageFault } from '../../../shared/commands/command.js';
import { createKeysCommand } from '../../../shared/commands/keys.js';
import { PUBLISH_LEAD_MS, RETIRE_AFTER_MS } from '../../../shared/domain/signing_keys.js';
import { createRotateKeys } from '../../../shared/flows/rotate_keys.js';
import { fakeKeyVault } from '../support/fake_key_vault.js';
import { withFaults } from '../support/faulty_table.js';
import { NOW, ORDERS, someone } from '../support/samples.js';
import { withTables } from '../support/tables.js';

const tables = withTables();
const KEY = 'https://vault.test/keys/broker';
const RELOAD = 60_000;

type Bench = ReturnType<typeof createBench>;
let on: Bench;
beforeEach(() => {
  on = createBench();
});

/** Keys in a table, instances that sign with them, and operators who change them. */
function createBench() {
  const time = { now: NOW };
  const name = tables.name();
  const auditTable = withFaults(tables.table());
  const audit = createAuditLog(auditTable);
  const vault = createVault(createKeyVault(KEY, fakeKeyVault(KEY).openKey));
  const common = { vault, clock: () => time.now, random: systemRandom };
  const operator = () => {
    const table = withFaults(tables.table(name));
    const keys = createSigningKeys({ ...common, store: createSigningKeyStore(table) });
    return { table, ...createRotateKeys({ ...common, keys, audit }) };
  };
  const instance = () => {
    const store = createSigningKeyStore(tables.table(name));
    const keyRing = createKeyRing({ ...common, store });
    return createTokens({ ...common, issuer: 'https://broker.test', providers: new Map(), keyRing });
  };
  return {
    time,
    auditTable,
    operator,
    instance,
    async audited() {
      const { items } = await audit.query({ from: 0, to: time.now + 1, limit: 1000, match: {} });
      return [...items].reverse().map(({ type, reason = '' }) => `${type} ${reason}`);
    },
  };
}

async function mintWith(tokens: ReturnType<Bench['instance']>) {
  const { token } = await tokens.mint({
    subject: someone('alice'),
    clientId: 'report',
    resource: ORDERS,
    scope: ['orders.read'],
    lifetimeSeconds: 3600,
    act: { sub: 'report' },
  });
  return { token, kid: decodeProtectedHeader(token).kid ?? '' };
}

const kidsOf = async (tokens: ReturnType<Bench['instance']>) =>
  (await tokens.publicKeys()).keys.map(({ kid }) => kid);

describe('rotating the signing keys', () => {
  it('publishes the new key before it signs, and keeps the old one while its tokens live', async () => {
    const tokens = on.instance();
    const first = await mintWith(tokens);
    on.time.now += 86_400_000;
    const old = await mintWith(tokens);
    const outcome = await on.operator().rotate({ dryRun: false });
    if (outcome.kind !== 'added') throw new Error(outcome.kind);
    on.time.now += RELOAD;
    expect(await kidsOf(tokens)).toEqual([first.kid, outcome.kid]);
    expect((await mintWith(tokens)).kid).toBe(first.kid);
    on.time.now = outcome.signsFrom;
    expect((await mintWith(tokens)).kid).toBe(outcome.kid);
    expect((await tokens.verifyOwnToken(old.token)).id).toBeTruthy();
    on.time.now += RETIRE_AFTER_MS;
    expect(await kidsOf(tokens)).toEqual([outcome.kid]);
  });

  it('by many at once adds one key, and tells all of it', async () => {
    await mintWith(on.instance());
    on.time.now += 86_400_000;
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => on.operator().rotate({ dryRun: false })),
    );
    expect(outcomes.filter(({ kind }) => kind === 'added')).toHaveLength(1);
    expect(new Set(outcomes.map((outcome) => ('kid' in outcome ? outcome.kid : ''))).size).toBe(1);
    expect(await on.operator().list()).toHaveLength(2);
  });

  it('leaves no key that the audit does not know, wherever it is cut off', async () => {
    await mintWith(on.instance());
    on.time.now += 86_400_000;
    on.auditTable.cut();
    await expect(on.operator().rotate({ dryRun: false })).rejects.toThrow();
    on.auditTable.mend();
    expect(await on.operator().list()).toHaveLength(1);
    const cut = on.operator();
    cut.table.fail('insert', ['applied_but_down']);
    await expect(cut.rotate({ dryRun: false })).rejects.toThrow();
    const [, stored] = await on.operator().list();
    expect(await on.audited()).toContain(`key.added key ${stored?.kid}`);
    expect(await on.operator().rotate({ dryRun: false })).toMatchObject({
      kind: 'under_way',
      kid: stored?.kid,
    });
  });

  it('knows its own write when the SDK tries it again and meets it', async () => {
    await mintWith(on.instance());
    on.time.now += 86_400_000;
    const again = on.operator();
    again.table.fail('insert', ['applied_but_conflict']);
    const outcome = await again.rotate({ dryRun: false });
    const [, stored] = await on.operator().list();
    expect(outcome).toMatchObject({ kind: 'added', kid: stored?.kid });
    expect(await on.audited()).toEqual([`key.added key ${stored?.kid}`]);
  });

  it('only looked at changes nothing', async () => {
    await mintWith(on.instance());
    on.time.now += 86_400_000;
    expect(await on.operator().rotate({ dryRun: true })).toEqual({ kind: 'would_add' });
    expect(await on.operator().list()).toHaveLength(1);
    expect(await on.audited()).toEqual([]);
  });
});

/** A superseded key, the one that signs, and a token of the former. */
async function rotated() {
  const tokens = on.instance();
  await mintWith(tokens);
  on.time.now += 86_400_000;
  const old = await mintWith(tokens);
  const outcome = await on.operator().rotate({ dryRun: false });
  if (outcome.kind !== 'added') throw new Error(outcome.kind);
  on.time.now = outcome.signsFrom + RELOAD;
  return { tokens, old, kid: outcome.kid };
}

const plain = { compromised: false, dryRun: false };
const compromised = { compromised: true, dryRun: false };

describe('retiring a signing key', () => {
  it('waits for the last token it signed', async () => {
    const { old } = await rotated();
    const until = on.time.now - RELOAD + RETIRE_AFTER_MS;
    expect(await on.operator().retire(old.kid, plain)).toEqual({ kind: 'needed', until });
    on.time.now = until;
    expect(await on.operator().retire(old.kid, plain)).toEqual({ kind: 'retired' });
    expect(await on.operator().retire(old.kid, plain)).toEqual({ kind: 'already' });
    expect(await on.audited()).toContain(`key.retired key ${old.kid}: no longer needed`);
  });

  it('that is compromised is at once: its tokens are refused and its key published no more', async () => {
    const { tokens, old, kid } = await rotated();
    expect(await on.operator().retire(old.kid, compromised)).toEqual({ kind: 'retired' });
    on.time.now += RELOAD;
    expect(await kidsOf(tokens)).toEqual([kid]);
    await expect(tokens.verifyOwnToken(old.token)).rejects.toThrow('unauthenticated');
  });

  it('that signs and is compromised hands over to the next at once, though that was just published', async () => {
    const tokens = on.instance();
    const { kid } = await mintWith(tokens);
    on.time.now += 86_400_000;
    const outcome = await on.operator().rotate({ dryRun: false });
    expect(await on.operator().retire(kid, plain)).toEqual({ kind: 'signing' });
    expect(await on.operator().retire(kid, compromised)).toEqual({ kind: 'retired' });
    on.time.now += RELOAD;
    expect(on.time.now).toBeLessThan(NOW + 86_400_000 + PUBLISH_LEAD_MS);
    expect((await mintWith(tokens)).kid).toBe('kid' in outcome ? outcome.kid : '');
  });

  it('never takes the last one, however compromised', async () => {
    const { kid } = await mintWith(on.instance());
    expect(await on.operator().retire(kid, compromised)).toEqual({ kind: 'only_key' });
  });

  it('knows its own write when the SDK tries it again and meets it', async () => {
    const { old } = await rotated();
    const again = on.operator();
    again.table.fail('update', ['applied_but_conflict']);
    expect(await again.retire(old.kid, compromised)).toEqual({ kind: 'retired' });
  });

  it('nobody has is said so, and a look changes nothing', async () => {
    const { old } = await rotated();
    expect(await on.operator().retire('nobody', compromised)).toEqual({ kind: 'unknown' });
    expect(await on.operator().retire(old.kid, { compromised: true, dryRun: true })).toEqual({
      kind: 'would_retire',
    });
    const states = (await on.operator().list()).map(({ state }) => state.kind);
    expect(states).toEqual(['superseded', 'signing']);
  });
});

describe('npm run keys', () => {
  async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
    const lines: string[] = [];
    const command = createKeysCommand(() => ({
      ...on.operator(),
      rewrap: async () => ({ key: 'k', moved: 3, already: 1, busy: 0, unreadable: 0, spilled: 0 }),
    }));
    const code = await command({ args, print: (line) => lines.push(line) });
    return { code, lines };
  }

  it('tells an operator what there is, what happens and what to do', async () => {
    expect((await run('list')).lines).toEqual(['no key yet: the first token to be minted makes one']);
    const { kid } = await mintWith(on.instance());
    on.time.now += 86_400_000;
    expect((await run('list')).lines).toEqual([`${kid}  made ${new Date(NOW).toISOString()}  signs`]);
    expect((await run('rotate', '--dry-run')).lines).toEqual(['a key would be added (dry run)']);
    const [added = ''] = (await run('rotate')).lines;
    expect(added).toMatch(/^added \S+: published now, signs from 2026-11-24T12:15:00\.000Z$/);
    expect((await run('rotate')).lines[0]).toMatch(/was added already/);
    expect((await run('list')).lines[1]).toMatch(/published, signs from/);
    expect(await run('retire', kid)).toEqual({
      code: 1,
      lines: ['the key signs: rotate first, or say --compromised'],
    });
    expect((await run('retire', kid, '--compromised')).code).toBe(0);
  });

  it.each([[['retire']], [['rotate', 'now']], [['retire', 'a', 'b']], [['list', '--all']], [['mend']]])(
    '%j is refused with the usage',
    async (args) => {
      await expect(run(...args)).rejects.toThrow(UsageFault);
    },
  );
});
