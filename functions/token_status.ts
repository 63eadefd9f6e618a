import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';
import { ALL_METHODS } from '../shared/http/host.js';

app.http('revoke', {
  route: 'revoke',
  methods: [...ALL_METHODS],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.revoke, 'oauth'),
});

app.http('introspect', {
  route: 'introspect',
  methods: [...ALL_METHODS],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.introspect, 'oauth'),
});
