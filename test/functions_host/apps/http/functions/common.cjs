const { app } = require('@azure/functions');

app.http('common', {
  methods: ['GET'],
  handler: (_, context) => ({ body: `common ${context.functionName}` }),
});
