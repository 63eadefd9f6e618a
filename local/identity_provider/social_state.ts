/** A line of credentials that live and die together: a refresh token and its successors, or a token that never expires. */
export type SocialFamily = Readonly<{
  id: string;
  /** Time (ms) of the first credential, and of the newest. */
  started: number;
  issued: number;
  /** Which credential of the line is good now. */
  serial: number;
  scopes: readonly string[];
  /** Token secret, where tokens come with one (OAuth 1.0a). */
  secret?: string;
}>;

/** What one user lets one app do. */
export type SocialGrant = Readonly<{
  /** Time (ms) of the first consent. */
  since: number;
  scopes: readonly string[];
  /** Whether the consent covers access while the user is away. */
  offline: boolean;
  families: readonly SocialFamily[];
}>;

export type SocialState = {
  /** By personality, client and user. */
  grants: Record<string, SocialGrant>;
  /** Ids that count once (codes, nonces), with the time (ms) after which they are refused as too old anyway. */
  spent: Record<string, number>;
};

const text = { type: 'string' };
const number = { type: 'number' };
const words = { type: 'array', items: text };
const family = {
  type: 'object',
  required: ['id', 'started', 'issued', 'serial', 'scopes'],
  properties: { id: text, started: number, issued: number, serial: number, scopes: words, secret: text },
};
const grant = {
  type: 'object',
  required: ['since', 'scopes', 'offline', 'families'],
  properties: {
    since: number,
    scopes: words,
    offline: { type: 'boolean' },
    families: { type: 'array', items: family },
  },
};

/** JSON Schema of `SocialState` in the state file. */
export const socialStateSchema = {
  type: 'object',
  required: ['grants', 'spent'],
  properties: {
    grants: { type: 'object', additionalProperties: grant },
    spent: { type: 'object', additionalProperties: number },
  },
};
