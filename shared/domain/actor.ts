import { Refusal } from './errors.js';

/**
 * Who is acting for the subject (RFC 8693 §4.1): the outermost is the current actor, those nested in it came before. Only the
 * outermost may be used for a decision; the rest is history.
 */
export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** Longer chains say more about a loop than about a delegation. */
export const MOST_ACTORS = 4;
const LONGEST_NAME = 512;

/**
 * Reads an `act` claim of a token that has been verified.
 * @throws Refusal `invalid_request` for a chain that is malformed or too long: history is never cut
 */
export function readActor(claim: unknown): Actor | undefined {
  return claim === undefined ? undefined : read(claim, 1);
}

function read(claim: unknown, depth: number): Actor {
  if (depth > MOST_ACTORS) throw tooLong();
  if (typeof claim !== 'object' || claim === null) throw malformed();
  const sub: unknown = Reflect.get(claim, 'sub');
  const inner: unknown = Reflect.get(claim, 'act');
  if (typeof sub !== 'string' || sub === '' || sub.length > LONGEST_NAME) throw malformed();
  return inner === undefined ? { sub } : { sub, act: read(inner, depth + 1) };
}

/**
 * The chain with a new current actor in front. Someone who is the current actor already is not added again: renewing one's own token
 * is no further delegation.
 * @throws Refusal `invalid_request` when the chain gets too long
 */
export function actFor(sub: string, prior: Actor | undefined): Actor {
  if (prior === undefined) return { sub };
  const chain: Actor = prior.sub === sub ? prior : { sub, act: prior };
  if (depthOf(chain) > MOST_ACTORS) throw tooLong();
  return chain;
}

export function depthOf(actor: Actor | undefined): number {
  return actor === undefined ? 0 : 1 + depthOf(actor.act);
}

/** The chain for people: current actor first. */
export function actorText(actor: Actor): string {
  return actor.act === undefined ? actor.sub : `${actor.sub} < ${actorText(actor.act)}`;
}

/**
 * Whether a `may_act` claim (RFC 8693 §4.4) lets this actor act. Decided from the claim alone: a request that leaves the actor out is
 * asking for its client to act, and is held to the same.
 * @param issuer whose names `sub` is one of, compared where the claim names an issuer
 */
export function mayAct(claim: unknown, sub: string, issuer: string): boolean {
  if (claim === undefined) return true;
  if (typeof claim !== 'object' || claim === null) return false;
  const known = new Set(['sub', 'iss', 'client_id']);
  // A condition this code does not know is a condition that is not met.
  if (Object.keys(claim).some((name) => !known.has(name))) return false;
  const { sub: allowed, iss, client_id: clientId } = claim as Readonly<Record<string, unknown>>;
  const named = [allowed, clientId].filter((name) => name !== undefined);
  return named.length > 0 && named.every((name) => name === sub) && (iss === undefined || iss === issuer);
}

function malformed(): Refusal {
  return new Refusal('invalid_request', { description: 'the token has an unreadable act claim' });
}

function tooLong(): Refusal {
  return new Refusal('invalid_request', { description: 'the delegation chain is too long' });
}
