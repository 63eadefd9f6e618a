import { createHash } from 'node:crypto';
import { Ajv, type ErrorObject } from 'ajv';
import { ConfigRefused, type Environment, isSafeAddress } from './config.js';
import { isResourceUri } from './domain/resource.js';
import { beyond, type Scope, scopeOf } from './domain/scope.js';
import schema from './policy.schema.json' with { type: 'json' };

export type ResourcePolicy =
  | { readonly narrowing: 'minted'; readonly scope: Scope; readonly maxTokenSeconds: number }
  | {
      readonly narrowing: 'provider';
      readonly provider: string;
      readonly scope: Scope;
      readonly allowWider: boolean;
    };

export interface ClientPolicy {
  readonly clientId: string;
  readonly name: string;
  readonly secret?: string;
  readonly entraAppId?: string;
  /** Public JWKs its assertions may be signed with. */
  readonly publicKeys?: readonly Readonly<Record<string, unknown>>[];
  /** Where it publishes them, instead. */
  readonly jwksUri?: string;
  readonly resources: ReadonlyMap<string, Scope>;
  readonly maxGrantSeconds: number;
  /** Audiences of users' own tokens it may exchange; undefined means the broker's own. */
  readonly subjectAudiences?: readonly string[];
  /** Resources it is the server of. */
  readonly serves: readonly string[];
  /** Clients whose app token it may present as actor. */
  readonly actors: readonly string[];
  /** Where its users may be sent back to with an authorization code, compared to the letter. */
  readonly redirectUris: readonly string[];
  /** Grant types it may use; undefined means all. */
  readonly grantTypes?: readonly string[];
}

/** The policy in force. What it does not name is denied. */
export interface Policy {
  readonly resources: ReadonlyMap<string, ResourcePolicy>;
  readonly clients: ReadonlyMap<string, ClientPolicy>;
  /** SHA-256 of the document, so that an audit row can say under which policy it was decided. */
  readonly hash: string;
}

const DEFAULT_TOKEN_SECONDS = 600;
const DEFAULT_GRANT_DAYS = 90;
const DAY_SECONDS = 86_400;
const LEAST_SECRET_CHARS = 16;

interface Document {
  resources: Record<string, ResourceDocument>;
  clients: Record<string, ClientDocument>;
}
type ResourceDocument =
  | { narrowing: 'minted'; scopes: string[]; maxTokenSeconds?: number }
  | { narrowing: 'provider'; provider: string; scopes: string[]; allowWider?: boolean };
interface ClientDocument {
  name?: string;
  auth: {
    secretSetting?: string;
    entraAppId?: string;
    publicKeys?: Record<string, unknown>[];
    jwksUri?: string;
  };
  resources: Record<string, string[]>;
  maxGrantDays?: number;
  subjectAudiences?: string[];
  serves?: string[];
  actors?: string[];
  redirectUris?: string[];
  grantTypes?: string[];
}

const isDocument = new Ajv({ allErrors: true }).compile<Document>(schema);

/**
 * Reads a policy document whole: form, then the references inside it, then the secrets it names.
 * @throws ConfigRefused listing every problem by its place in the document
 */
export function readPolicy(text: string, env: Environment): Policy {
  const value = parseJson(text);
  if (!isDocument(value)) throw new ConfigRefused((isDocument.errors ?? []).map(formProblem));
  const problems = [...resourceProblems(value), ...clientProblems(value, env)];
  if (problems.length > 0) throw new ConfigRefused(problems);
  return {
    resources: new Map(Object.entries(value.resources).map(([uri, entry]) => [uri, toResource(entry)])),
    clients: new Map(Object.entries(value.clients).map(([id, entry]) => [id, toClient(id, entry, env)])),
    hash: createHash('sha256').update(text).digest('base64url'),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigRefused(['policy: is not valid JSON']);
  }
}

function formProblem(error: ErrorObject): string {
  const place = error.instancePath === '' ? 'policy' : `policy${error.instancePath}`;
  const extra: unknown = error.params.additionalProperty;
  return `${place}: ${error.message ?? 'is not valid'}${typeof extra === 'string' ? ` (${extra})` : ''}`;
}

function resourceProblems({ resources }: Document): string[] {
  return Object.keys(resources)
    .filter((uri) => !isResourceUri(uri))
    .map((uri) => `policy/resources: ${uri} is not an absolute URI without a fragment`);
}

function clientProblems(document: Document, env: Environment): string[] {
  const problems: string[] = [];
  const appIds = new Map<string, string>();
  for (const [id, client] of Object.entries(document.clients)) {
    problems.push(
      ...scopeProblems(id, client, document),
      ...secretProblems(id, client, env),
      ...referenceProblems(id, client, document),
    );
    const appId = client.auth.entraAppId?.toLowerCase();
    const other = appId && appIds.get(appId);
    if (other) problems.push(`policy/clients/${id}/auth/entraAppId: is that of ${other} too`);
    if (appId) appIds.set(appId, id);
  }
  return problems;
}

function scopeProblems(id: string, client: ClientDocument, { resources }: Document): string[] {
  return Object.entries(client.resources).flatMap(([uri, scopes]) => {
    const resource = resources[uri];
    const place = `policy/clients/${id}/resources/${uri}`;
    if (!resource) return [`${place}: is not among the resources`];
    return beyond(scopeOf(scopes), scopeOf(resource.scopes)).map(
      (scope) => `${place}: ${scope} is not a scope of that resource`,
    );
  });
}

function referenceProblems(id: string, client: ClientDocument, document: Document): string[] {
  const missing = (list: readonly string[] | undefined, known: object) =>
    (list ?? []).filter((name) => !Object.hasOwn(known, name));
  const { publicKeys, jwksUri } = client.auth;
  return [
    ...(publicKeys && jwksUri
      ? [`policy/clients/${id}/auth: publicKeys and jwksUri must not both be given`]
      : []),
    ...(publicKeys?.some((key) => 'd' in key || 'k' in key)
      ? [`policy/clients/${id}/auth/publicKeys: holds a private or secret key`]
      : []),
    ...(jwksUri !== undefined && !isSafeAddress(jwksUri)
      ? [`policy/clients/${id}/auth/jwksUri: must be an https address (http only for localhost)`]
      : []),
    ...(client.redirectUris?.some((uri) => uri.includes('#') || !isSafeAddress(uri))
      ? [
          `policy/clients/${id}/redirectUris: must be https addresses without a fragment (http only for localhost)`,
        ]
      : []),
    ...missing(client.serves, document.resources).map(
      (uri) => `policy/clients/${id}/serves: ${uri} is not among the resources`,
    ),
    ...missing(client.actors, document.clients).map(
      (name) => `policy/clients/${id}/actors: ${name} is not among the clients`,
    ),
  ];
}

function secretProblems(id: string, client: ClientDocument, env: Environment): string[] {
  const setting = client.auth.secretSetting;
  if (setting === undefined) return [];
  const place = `policy/clients/${id}/auth/secretSetting`;
  const secret = env[setting];
  if (!secret) return [`${place}: the setting ${setting} is missing`];
  if (secret.length < LEAST_SECRET_CHARS) {
    return [`${place}: the setting ${setting} must hold at least ${LEAST_SECRET_CHARS} characters`];
  }
  return [];
}

function toResource(entry: ResourceDocument): ResourcePolicy {
  const scope = scopeOf(entry.scopes);
  if (entry.narrowing === 'minted') {
    return { narrowing: 'minted', scope, maxTokenSeconds: entry.maxTokenSeconds ?? DEFAULT_TOKEN_SECONDS };
  }
  return {
    narrowing: 'provider',
    provider: entry.provider,
    scope,
    allowWider: entry.allowWider ?? false,
  };
}

function toClient(clientId: string, entry: ClientDocument, env: Environment): ClientPolicy {
  const { secretSetting, entraAppId, publicKeys, jwksUri } = entry.auth;
  const secret = secretSetting === undefined ? undefined : env[secretSetting];
  return {
    clientId,
    name: entry.name ?? clientId,
    ...(secret === undefined ? {} : { secret }),
    ...(entraAppId === undefined ? {} : { entraAppId: entraAppId.toLowerCase() }),
    ...(publicKeys === undefined ? {} : { publicKeys }),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    resources: new Map(Object.entries(entry.resources).map(([uri, scopes]) => [uri, scopeOf(scopes)])),
    maxGrantSeconds: (entry.maxGrantDays ?? DEFAULT_GRANT_DAYS) * DAY_SECONDS,
    ...(entry.subjectAudiences === undefined ? {} : { subjectAudiences: entry.subjectAudiences }),
    serves: entry.serves ?? [],
    actors: entry.actors ?? [],
    redirectUris: entry.redirectUris ?? [],
    ...(entry.grantTypes === undefined ? {} : { grantTypes: entry.grantTypes }),
  };
}
