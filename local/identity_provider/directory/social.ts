/** The providers beside Entra that this server can be. `twitter` is OAuth 1.0a at X, `x2` its OAuth 2.0. */
export const PERSONALITIES = ['google', 'facebook', 'twitter', 'x2', 'github', 'apple'] as const;
export type Personality = (typeof PERSONALITIES)[number];

/** What differs from what is derived of a user of the directory. Whoever is not listed has an account too, all derived. */
export type SocialUser = Readonly<{
  oid: string;
  /** Login at GitHub, screen name at X. Derived: the part of the upn before the `@`. */
  handle?: string;
  email?: string;
  /** True when not given. */
  email_verified?: boolean;
  /** Google Workspace domain. Derived: the tenant's domain when the e-mail address is in it; `null` for none. */
  hosted_domain?: string | null;
  /** Hides the e-mail address behind a relay address at Apple. */
  hide_email?: boolean;
  /** The user's id at a provider, in place of the derived one. */
  ids?: Readonly<Partial<Record<Personality, string>>>;
}>;

export type EcPublicJwk = Readonly<{ kty: 'EC'; crv: 'P-256'; x: string; y: string; kid?: string }>;

export type SocialAppOptions = Readonly<{
  /** github: a GitHub App, whose user tokens expire and come with a single-use refresh token. */
  expiring_tokens?: boolean;
  /** facebook: server calls must carry `appsecret_proof`. */
  require_appsecret_proof?: boolean;
  /** google: consent screen in testing, so that refresh tokens with more than profile scopes end after 7 days. */
  testing?: boolean;
  /** apple: a second refresh within a day is answered 429. */
  throttle_refresh?: boolean;
}>;

/** An app registered at one personality. */
export type SocialApp = Readonly<{
  personality: Personality;
  client_id: string;
  /** Shown on the sign-in page; the client id when not given. */
  name?: string;
  /** Every personality but apple; not given for a public client, which x2 alone has. */
  secret?: string;
  /** apple: key that client secrets are signed with (SPKI PEM or JWK, P-256), its id, and the team. */
  public_key?: string | EcPublicJwk;
  key_id?: string;
  team_id?: string;
  redirect_uris: readonly string[];
  options?: SocialAppOptions;
}>;

/** The `social` member of the directory file. */
export type SocialDirectory = Readonly<{ users?: readonly SocialUser[]; apps: readonly SocialApp[] }>;
