import { Refusal } from '../domain/errors.js';
import type { Authorization, Narrowing } from '../domain/narrowing.js';
import type { Scope } from '../domain/scope.js';
import type { Policy } from '../policy.js';
import type { Binding, DueItem } from '../ports.js';

export interface IssuedToken {
  readonly accessToken: string;
  /** Seconds from now. */
  readonly expiresIn: number;
  readonly scope: Scope;
  readonly narrowing: Narrowing;
  /** What the token holds beyond what was asked; empty unless `narrowing` is `none`. */
  readonly wider: Scope;
  /** What the queue's worker is to renew after this. */
  readonly renewal?: DueItem;
  readonly tokenId?: string;
  /** `DPoP` when the token is of use only with its key (RFC 9449 §5). */
  readonly tokenType: 'Bearer' | 'DPoP';
}

export interface IssueRequest {
  readonly authorization: Authorization;
  /** What the token is to be bound to; proven by the client. */
  readonly binding: Binding | undefined;
  /** Undefined when the client did not say. */
  readonly minTtlSeconds: number | undefined;
  /** A claims challenge the token has to answer. */
  readonly claims: string | undefined;
  /** The client named no scope: less than all that is held will do. */
  readonly mayDrop: boolean;
}

/** How long a minted token may live, seconds: as policy says of its resource and its client, and no longer than what it comes of. */
export function mintedSeconds(
  { clients }: Policy,
  { clientId, expiresAt }: Authorization,
  { maxTokenSeconds, now }: { maxTokenSeconds: number; now: number },
): number {
  const ofClient = clients.get(clientId)?.maxTokenSeconds ?? maxTokenSeconds;
  return Math.min(maxTokenSeconds, ofClient, Math.floor((expiresAt - now) / 1000));
}

/** @throws Refusal `invalid_target` where a token of the resource's provider could not be what is asked */
export function assertOfProvider(
  { subject, clientId, resource, act }: Authorization,
  { provider }: { provider: string },
): void {
  const rule = `policy/resources/${resource}`;
  if (act.sub !== clientId || act.act !== undefined) {
    throw new Refusal('invalid_target', {
      description: 'tokens of this resource belong to the provider and cannot name an actor',
      rule: `${rule}/narrowing`,
    });
  }
  if (subject.provider !== provider) {
    throw new Refusal('invalid_target', {
      description: 'resource belongs to another identity provider',
      rule: `${rule}/provider`,
    });
  }
}

/** @throws Refusal when a token would not live as long as asked, or not at all */
export function assertLongEnough(expiresIn: number, minTtlSeconds: number | undefined): void {
  if (expiresIn < 1) {
    throw new Refusal('invalid_grant', {
      description: 'the grant is at its end',
      reason: 'grant expires within a second',
    });
  }
  if (expiresIn < (minTtlSeconds ?? 1)) {
    throw new Refusal('invalid_request', { description: 'min_ttl is longer than any token can live here' });
  }
}
