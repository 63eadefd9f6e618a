import type { EventSink } from '../../ports.js';
import type { HttpClient } from '../http_client.js';
import { delivered } from './webhook.js';

export interface EventGridSettings {
  /** The topic's endpoint, `https://{topic}.{region}-1.eventgrid.azure.net/api/events`; the topic takes the CloudEvents schema. */
  readonly endpoint: string;
  /** Absent: the app's managed identity. */
  readonly key?: string;
}

const TIMEOUT_MS = 15_000;
const API_VERSION = '2018-01-01';
const SCOPE = 'https://eventgrid.azure.net/.default';

/** An Event Grid topic. */
export function createEventGrid(
  settings: EventGridSettings,
  deps: { http: HttpClient; bearer?: () => Promise<string> },
): EventSink {
  const url = new URL(settings.endpoint);
  url.searchParams.set('api-version', API_VERSION);
  const bearer = deps.bearer ?? identityToken();
  return {
    name: 'eventgrid',
    send: (event) =>
      delivered(async () =>
        deps.http({
          url: url.href,
          method: 'POST',
          headers: {
            'content-type': 'application/cloudevents+json; charset=utf-8',
            ...(settings.key === undefined
              ? { authorization: `Bearer ${await bearer()}` }
              : { 'aeg-sas-key': settings.key }),
          },
          body: JSON.stringify(event),
          timeoutMs: TIMEOUT_MS,
        }),
      ),
  };
}

/** The credential keeps its token until shortly before the end; `@azure/identity` is loaded only where it is needed. */
function identityToken(): () => Promise<string> {
  let credential: Promise<{ getToken(scope: string): Promise<{ token: string }> }> | undefined;
  return async () => {
    credential ??= import('@azure/identity').then(
      ({ DefaultAzureCredential }) => new DefaultAzureCredential(),
    );
    return (await (await credential).getToken(SCOPE)).token;
  };
}
