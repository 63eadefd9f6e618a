import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';

app.http('grants_create', {
  route: 'grants',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.createGrant),
});

app.http('grants_list', {
  route: 'grants',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.listGrants),
});

app.http('grants_end', {
  route: 'grants/{grant_id}',
  methods: ['DELETE'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.endGrant),
});
