import type { HttpHandler } from '@azure/functions';
import type { CheckHealth } from '../flows/check_health.js';
import { json } from './answers.js';
import { createEndpoint, type EndpointOptions } from './endpoint.js';

/** `GET /health/live`: the process answers. */
export function createLiveHandler(options: Pick<EndpointOptions, 'log'>): HttpHandler {
  return createEndpoint({ ...options, errors: 'problem', methods: ['GET'] }, async () =>
    json(200, { status: 'live' }),
  );
}

/** `GET /health/ready`: 200 or 503, and no word why to the anonymous. */
export function createReadyHandler(check: CheckHealth, options: Pick<EndpointOptions, 'log'>): HttpHandler {
  return createEndpoint({ ...options, errors: 'problem', methods: ['GET'] }, async () => {
    const ready = await check();
    return json(ready ? 200 : 503, { status: ready ? 'ready' : 'not ready' });
  });
}
