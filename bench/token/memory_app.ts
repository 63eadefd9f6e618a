import { app } from '@azure/functions';
import { createMemoryBroker } from './memory_broker.js';

/** The deployed function over tables in memory. */
const broker = await createMemoryBroker(process.env);

app.http('token', {
  route: 'token',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: broker.http.token,
});
