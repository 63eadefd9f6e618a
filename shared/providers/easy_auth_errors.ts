import type { Verdict } from '../domain/refresh_result.js';
import { OUR_REQUEST, USER } from './verdicts.js';

/** What can come of a refresh through Easy Auth, in words of ours: its answers have a status and no body. */
export const EASY_AUTH_ERRORS = {
  /** 401: the session is over, its grace included. */
  easy_auth_session_ended: USER,
  /** 403: the provider refuses the refresh token, or the user has signed out and there is none. */
  easy_auth_refresh_refused: USER,
  /** The session has a new token of nobody we know: another user has signed in with it. */
  easy_auth_no_token: USER,
  /** 400: this provider is not refreshed by Easy Auth. */
  easy_auth_cannot_refresh: OUR_REQUEST,
  /** 404: the token store is off, or the address is not Easy Auth's. */
  easy_auth_store_off: OUR_REQUEST,
} as const satisfies Record<string, Verdict>;

export type EasyAuthError = keyof typeof EASY_AUTH_ERRORS;
