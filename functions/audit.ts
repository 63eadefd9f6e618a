import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';

app.http('audit_events', {
  route: 'audit/events',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.auditEvents),
});

app.http('audit_refresh_failures', {
  route: 'audit/refresh-failures',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.refreshFailures),
});
