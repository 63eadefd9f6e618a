import { randomBytes, randomUUID } from 'node:crypto';
import { Ajv } from 'ajv';
import type { SocialApp } from '../../directory/social.js';
import type { Kit } from '../kit/kit.js';

const REQUEST_SECONDS = 900;

/** What a request token (RFC 5849 §2.1) stands for. Times are milliseconds. */
export type RequestToken = Readonly<{
  id: string;
  client: string;
  callback: string;
  secret: string;
  issued: number;
}>;

/** What a verifier (§2.2) stands for: who agreed to which request. */
export type Verifier = Readonly<{ request: string; oid: string; issued: number }>;

const text = { type: 'string' };
const ajv = new Ajv();
const isRequest = ajv.compile<RequestToken>({
  type: 'object',
  required: ['id', 'client', 'callback', 'secret', 'issued'],
  properties: { id: text, client: text, callback: text, secret: text, issued: { type: 'number' } },
});
const isVerifier = ajv.compile<Verifier>({
  type: 'object',
  required: ['request', 'oid', 'issued'],
  properties: { request: text, oid: text, issued: { type: 'number' } },
});

/** Makes a request token for a callback that was confirmed to be the app's. */
export function mintRequestToken(
  { core }: Kit,
  app: SocialApp,
  callback: string,
): Readonly<{ token: string; secret: string }> {
  const secret = randomBytes(24).toString('base64url');
  const facts: RequestToken = {
    id: randomUUID(),
    client: app.client_id,
    callback,
    secret,
    issued: core.now(),
  };
  return { token: core.sealer.seal('social:twitter:request', facts), secret };
}

/** Time (ms) after which a request token is over. */
export function requestTokenEnd({ issued }: RequestToken): number {
  return issued + REQUEST_SECONDS * 1000;
}

/** Opens a request token; undefined when it is none or over. */
export function openRequestToken({ core }: Kit, token: string | undefined): RequestToken | undefined {
  const opened = core.sealer.open('social:twitter:request', token ?? '');
  return isRequest(opened) && core.now() < requestTokenEnd(opened) ? opened : undefined;
}

/** Makes the verifier that shows a user agreed to a request. */
export function mintVerifier({ core }: Kit, verifier: Verifier): string {
  return core.sealer.seal('social:twitter:verifier', verifier);
}

/** Opens the verifier of that request; undefined for any other. */
export function openVerifier({ core }: Kit, request: RequestToken, text: string): Verifier | undefined {
  const opened = core.sealer.open('social:twitter:verifier', text);
  return isVerifier(opened) && opened.request === request.id ? opened : undefined;
}
