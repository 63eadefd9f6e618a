import { app, output } from '@azure/functions';
import { entry } from '../shared/compose.js';
import { ALL_METHODS, DUE_QUEUE, RENEWALS } from '../shared/http/host.js';

app.http('token', {
  route: 'token',
  methods: [...ALL_METHODS],
  authLevel: 'anonymous',
  extraOutputs: [output.generic({ type: 'queue', name: RENEWALS, ...DUE_QUEUE })],
  handler: entry.http((broker) => broker.http.token, 'oauth'),
});
