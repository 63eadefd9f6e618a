import { app, output } from '@azure/functions';

const connection = 'STORAGE';
const out = output.storageQueue({ queueName: '%OUT_QUEUE%', connection });
const broken = output.storageQueue({ queueName: 'broken', connection: 'BROKEN_STORAGE' });

app.storageQueue('work', {
  queueName: '%WORK_QUEUE%',
  connection,
  return: out,
  handler: (item, context) => {
    const { dequeueCount, id, popReceipt, queueTrigger, insertionTime } = context.triggerMetadata;
    console.log('work', JSON.stringify({ item, dequeueCount, queueTrigger }));
    if (item === 'bad') throw new Error('bad item');
    if (item === 'crash')
      setImmediate(() => {
        throw new Error('crashed');
      });
    if (item === 'crash') return new Promise(() => {});
    return { item, known: [id, popReceipt, insertionTime].every((value) => value !== undefined) };
  },
});

app.http('send', {
  methods: ['POST'],
  extraOutputs: [out],
  handler: async (request, context) => {
    context.extraOutputs.set(out, await request.json());
    return { body: 'sent' };
  },
});

app.http('sendBroken', {
  methods: ['POST'],
  extraOutputs: [broken],
  handler: (_, context) => {
    context.extraOutputs.set(broken, 'x');
    return { body: 'not sent' };
  },
});
