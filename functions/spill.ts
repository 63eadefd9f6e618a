import { app } from '@azure/functions';
import { entry } from '../shared/compose.js';

// Refresh tokens that could not be stored where they belong wait in a second place. It is empty on every day without trouble.
app.timer('spill_sweep', {
  schedule: '30 */5 * * * *',
  handler: entry.timer((broker) => broker.sweepSpill()),
});
