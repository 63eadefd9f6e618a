import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';

app.http('metadata', {
  route: '.well-known/oauth-authorization-server',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.metadata, 'oauth'),
});

app.http('jwks', {
  route: 'jwks',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.jwks, 'oauth'),
});

app.http('resource_metadata', {
  route: '.well-known/oauth-protected-resource',
  methods: ['GET'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.resourceMetadata),
});
