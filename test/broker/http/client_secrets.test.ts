import { beforeAll, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../shared/adapters/system.js';
import { formatSecretHash, hashSecret } from '../../../shared/domain/client_secret.js';
import { NIGHTLY, policy, type TestBroker, withBroker } from '../support/broker.js';
import { basic, grantTo, refreshForm, tokenCall } from '../support/calls.js';
import { expectError, recordOf } from '../support/oauth_errors.js';

const test = withBroker();
const NEXT = 'the secret that comes next';
let grantId = '';
let hashes: { old: string; next: string };

beforeAll(async () => {
  const hashOf = async (secret: string) => formatSecretHash(await hashSecret(secret, systemRandom.bytes(16)));
  grantId = await grantTo(test);
  hashes = { old: await hashOf(NIGHTLY.secret), next: await hashOf(NEXT) };
});

function under(auth: unknown, env: Readonly<Record<string, string>> = {}): TestBroker {
  const client = { ...policy.clients[NIGHTLY.id], auth };
  return test.under({ ...policy, clients: { ...policy.clients, [NIGHTLY.id]: client } }, env);
}

const ask = (broker: TestBroker, secret: string) =>
  tokenCall(broker, refreshForm(grantId), basic(NIGHTLY.id, secret));

describe('a client whose secret is stored as a salted hash', () => {
  it('authenticates with the secret, in the header or in the form, and not with the hash', async () => {
    const broker = under({ secretHashes: [hashes.old] });
    expect((await ask(broker, NIGHTLY.secret)).status).toBe(200);
    const form = refreshForm(grantId, { client_id: NIGHTLY.id, client_secret: NIGHTLY.secret });
    expect((await tokenCall(broker, form, {})).status).toBe(200);
    for (const secret of [hashes.old, `${NIGHTLY.secret} `, NEXT]) {
      const answer = await ask(broker, secret);
      expectError(answer, 'invalid_client', 401);
      expect(await recordOf(test, answer)).toMatchObject([{ reason: 'wrong secret' }]);
    }
  });

  it('has two while one takes over from the other: in hashes, in settings, or in both', async () => {
    const env = { NEXT_SECRET: hashes.next };
    const both = [
      under({ secretHashes: [hashes.old, hashes.next] }),
      under({ secretSetting: ['NIGHTLY_SECRET', 'NEXT_SECRET'] }, env),
      under({ secretSetting: 'NEXT_SECRET', secretHashes: [hashes.old] }, env),
    ];
    for (const broker of both) {
      expect((await ask(broker, NIGHTLY.secret)).status).toBe(200);
      expect((await ask(broker, NEXT)).status).toBe(200);
    }
    const after = under({ secretHashes: [hashes.next] });
    expect((await ask(after, NIGHTLY.secret)).status).toBe(401);
    expect((await ask(after, NEXT)).status).toBe(200);
  });

  it('an unknown client is refused with the same words', async () => {
    const broker = under({ secretHashes: [hashes.old] });
    const unknown = await tokenCall(broker, refreshForm(grantId), basic('nobody', NIGHTLY.secret));
    expect(unknown).toMatchObject({ status: 401, body: (await ask(broker, NEXT)).body });
  });
});
