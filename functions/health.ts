import { app } from '@azure/functions';
import { entry, live } from '../shared/compose.js';

app.hook.appStart(() => entry.start());
app.hook.appTerminate(entry.stop((broker) => broker.stop()));

app.http('health_live', {
  route: 'health/live',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: live,
});

app.http('health_ready', {
  route: 'health/ready',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.ready),
});
