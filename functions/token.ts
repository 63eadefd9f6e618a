import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';

// Every method is routed here, because the host answers an unrouted one with 404 where OAuth clients expect 405.
app.http('token', {
  route: 'token',
  methods: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.token),
});
