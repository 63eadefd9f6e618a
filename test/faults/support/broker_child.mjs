// One real process of the broker over real tables, told what to do by the test that forked it. Needs `dist/`.
import { randomUUID } from 'node:crypto';
import functions from '@azure/functions';
import { createTables } from '../../../dist/shared/adapters/tables/service.js';
import { SYSTEM } from '../../../dist/shared/compose/system.js';
import { composeBroker } from '../../../dist/shared/compose.js';

const { HttpRequest, InvocationContext } = functions;

/** For a test that cannot wait: every row is so much older than the service says, so that claims of the dead have ended. */
const olderMs = Number(process.env.TEST_ROWS_OLDER_MS ?? 0);

function older(table) {
  return {
    ...table,
    async read(partitionKey, rowKey) {
      const found = await table.read(partitionKey, rowKey);
      return found && { ...found, ageMs: (found.ageMs ?? 0) + olderMs };
    },
  };
}

const broker = composeBroker(process.env, {
  ...SYSTEM,
  tables: (location) => {
    const open = createTables(location);
    return (name) => older(open(name));
  },
});

async function ask({ headers, body }) {
  const request = new HttpRequest({
    method: 'POST',
    url: `${process.env.BROKER_ISSUER}/token`,
    headers,
    body: { string: body },
  });
  const answer = await broker.http.token(request, new InvocationContext({ invocationId: randomUUID() }));
  return { status: answer.status ?? 200, body: answer.jsonBody };
}

process.on('message', async (asked) => {
  process.send(await Promise.all(asked.map(ask)));
});
process.on('disconnect', () => process.exit(0));
process.send('ready');
