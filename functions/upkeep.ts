import { app, output } from '@azure/functions';
import { entry } from '../shared/compose.js';
import { dueMessages, poisonedMessage, workMessage } from '../shared/http/host.js';

const QUEUE = 'refresh-due';
const CONNECTION = 'AzureWebJobsStorage';

const dueQueue = output.storageQueue({ queueName: QUEUE, connection: CONNECTION });

// The timer only finds what is due: the work itself goes through a queue, so that every instance of the app takes a share.
app.timer('refresh_timer', {
  schedule: '%BROKER_REFRESH_SCHEDULE%',
  extraOutputs: [dueQueue],
  handler: entry.timer(async (broker, context) => {
    context.extraOutputs.set(dueQueue, await dueMessages(broker.findDue));
  }),
});

app.storageQueue('refresh_worker', {
  queueName: QUEUE,
  connection: CONNECTION,
  handler: entry.queue((broker, message) => workMessage(broker.workDue, message)),
});

// Where the host puts what the worker could not take: a row for the operator, so that it is not simply gone.
app.storageQueue('refresh_poison', {
  queueName: `${QUEUE}-poison`,
  connection: CONNECTION,
  handler: entry.queue((broker, message) => poisonedMessage(broker.setAside, message)),
});
