import type { Target } from '../../../shared/domain/connection.js';
import type { ProviderFailure } from '../../../shared/domain/refresh_result.js';
import type { Subject } from '../../../shared/domain/subject.js';
import { CREDENTIAL } from '../../../shared/domain/upkeep.js';
import type { Provider, ProviderAnswer, ProviderTokens } from '../../../shared/ports.js';

export interface ProviderCall {
  readonly refreshToken: string;
  readonly target: Target;
}

export type ProviderScript = (call: ProviderCall) => ProviderAnswer | Promise<ProviderAnswer>;

/**
 * A provider in this process. Its refresh tokens read `rt.{user}.{number}`; every refresh gives the next number and names the user.
 */
export interface ScriptedProvider extends Provider {
  readonly calls: ProviderCall[];
  /** Seconds that access tokens live. */
  lifeSeconds: number;
  /** From now on answers by this instead of well. */
  answers(script: ProviderScript): void;
  answersWell(): void;
  /** The answer to a call by which all goes well. */
  good(call: ProviderCall, more?: Partial<ProviderTokens>): ProviderAnswer;
}

export function createScriptedProvider(tenant: string): ScriptedProvider {
  const calls: ProviderCall[] = [];
  let script: ProviderScript | undefined;
  let issued = 0;
  const provider: ScriptedProvider = {
    calls,
    lifeSeconds: 3600,
    async refresh(_, refreshToken, target) {
      const call = { refreshToken, target };
      calls.push(call);
      return script ? script(call) : provider.good(call);
    },
    prove: (subject, credential) => provider.refresh(subject, credential, CREDENTIAL),
    revoke: async () => 'not_supported',
    check: async () => undefined,
    answers: (given) => {
      script = given;
    },
    answersWell: () => {
      script = undefined;
    },
    good({ refreshToken, target }, more = {}) {
      const number = ++issued;
      const id = refreshToken.split('.')[1] ?? '';
      return {
        ok: true,
        tokens: {
          accessToken: `at.${id}.${number}`,
          expiresIn: provider.lifeSeconds,
          scope: target.scope,
          refreshToken: `rt.${id}.${number}`,
          idToken: idTokenOf({ provider: 'aad', tenant, id }),
          ...more,
        },
      };
    },
  };
  return provider;
}

export function idTokenOf(subject: Subject): string {
  return JSON.stringify(subject);
}

/** A first refresh token of a user. */
export function refreshTokenOf({ id }: Subject): string {
  return `rt.${id}.0`;
}

export function failing(error: string, more: Partial<ProviderFailure> = {}): ProviderAnswer {
  return { ok: false, failure: { status: 400, error, codes: [], ...more } };
}

export const DOWN: ProviderAnswer = { ok: false, failure: { status: 0, error: 'timeout', codes: [] } };
