import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';

app.http('connections_create', {
  route: 'connections',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.connect),
});

app.http('connections_list', {
  route: 'connections',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.listConnections),
});

app.http('connections_end', {
  route: 'connections/{provider}',
  methods: ['DELETE'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.endConnection),
});
