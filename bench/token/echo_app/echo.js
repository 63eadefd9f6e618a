import { app } from '@azure/functions';

// The least that a function on this host can do with the same request: the ceiling for everything it serves.
app.http('echo', {
  route: 'token',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: async (request) => ({
    jsonBody: Object.fromEntries(new URLSearchParams(await request.text())),
  }),
});
