import { createHmac } from 'node:crypto';
import type { Clock, Delivery, EventSink } from '../../ports.js';
import type { HttpAnswer, HttpClient } from '../http_client.js';

export interface WebhookSettings {
  readonly url: string;
  /** Each signs; two while one takes the other's place. `whsec_` and base64, or any text. */
  readonly secrets: readonly string[];
}

const TIMEOUT_MS = 15_000;

/**
 * A webhook, signed as Standard Webhooks 1.0.0 says: HMAC-SHA256 over `id.timestamp.body`. The receiver checks one of the signatures
 * and the timestamp, and forgets an id it has seen.
 */
export function createWebhook(
  settings: WebhookSettings,
  deps: { http: HttpClient; clock: Clock },
): EventSink {
  const keys = settings.secrets.map(keyOf);
  return {
    name: 'webhook',
    send(event) {
      const body = JSON.stringify(event);
      const timestamp = String(Math.floor(deps.clock() / 1000));
      const signed = `${event.id}.${timestamp}.${body}`;
      const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
      return delivered(() =>
        deps.http({
          url: settings.url,
          method: 'POST',
          headers: {
            'content-type': 'application/cloudevents+json; charset=utf-8',
            'webhook-id': event.id,
            'webhook-timestamp': timestamp,
            'webhook-signature': signatures.join(' '),
          },
          body,
          timeoutMs: TIMEOUT_MS,
        }),
      );
    },
  };
}

const PREFIX = 'whsec_';

function keyOf(secret: string): Buffer {
  if (secret.startsWith(PREFIX)) return Buffer.from(secret.slice(PREFIX.length), 'base64');
  return Buffer.from(secret, 'utf8');
}

/** Any 2xx is a delivery; everything else is tried again. */
export async function delivered(call: () => Promise<HttpAnswer>): Promise<Delivery> {
  try {
    const { status, headers } = await call();
    if (status >= 200 && status < 300) return { ok: true };
    const seconds = Number(headers['retry-after'] ?? '0');
    return {
      ok: false,
      why: `HTTP ${status}`,
      ...(Number.isFinite(seconds) && seconds > 0 ? { retryAfterSeconds: seconds } : {}),
    };
  } catch (error) {
    return { ok: false, why: error instanceof Error ? error.name : 'unknown' };
  }
}
