import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';

app.http('authorize', {
  route: 'authorize',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  handler: entry.http((broker) => broker.http.authorize, 'page'),
});

// Codes live a minute and are remembered a day; what is older goes in slices.
app.timer('authorize_sweep', {
  schedule: '0 17 * * * *',
  handler: entry.timer((broker) => broker.sweepCodes()),
});
