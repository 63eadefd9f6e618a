import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';
import { ALL_METHODS } from '../shared/http/host.js';

app.http('token', {
  route: 'token',
  methods: [...ALL_METHODS],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.token, 'oauth'),
});
