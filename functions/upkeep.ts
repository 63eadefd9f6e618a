import { app, output } from '@azure/functions';
import { entry } from '../shared/compose.js';
import {
  DUE_QUEUE,
  dueMessages,
  eventMessage,
  eventMessages,
  poisonedMessage,
  workMessage,
} from '../shared/http/host.js';

const EVENT_QUEUE = 'broker-events';
const { queueName: QUEUE, connection: CONNECTION } = DUE_QUEUE;

const dueQueue = output.storageQueue({ ...DUE_QUEUE });
const eventQueue = output.storageQueue({ queueName: EVENT_QUEUE, connection: CONNECTION });

// The timer only finds what is due: the work itself goes through queues, so that every instance of the app takes a share.
app.timer('refresh_timer', {
  schedule: '%BROKER_REFRESH_SCHEDULE%',
  extraOutputs: [dueQueue, eventQueue],
  handler: entry.timer(async (broker, context) => {
    context.extraOutputs.set(dueQueue, await dueMessages(broker.findDue));
    context.extraOutputs.set(eventQueue, await eventMessages(broker.findEvents));
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

app.storageQueue('event_worker', {
  queueName: EVENT_QUEUE,
  connection: CONNECTION,
  handler: entry.queue((broker, message) => eventMessage(broker.deliverEvent, message)),
});

// Once a day everything stored is looked at, a slice at a time: what is over goes, what is near its end is told of.
app.timer('sweep', {
  schedule: '40 */5 * * * *',
  handler: entry.timer(async (broker) => {
    await broker.sweep.slice();
  }),
});
