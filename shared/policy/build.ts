import type { Environment } from '../config.js';
import type { ClientLimits } from '../domain/client_limits.js';
import { expiryDate } from '../domain/expiry_date.js';
import { scopeOf } from '../domain/scope.js';
import type {
  ClientDocument,
  FacadeDocument,
  LimitsDocument,
  PolicyDocument,
  ResourceDocument,
} from './document.js';
import type { ClientPolicy, Facade, Policy, ResourcePolicy } from './model.js';
import { secretsOf } from './secrets.js';

const DEFAULT_TOKEN_SECONDS = 600;
const DEFAULT_GRANT_DAYS = 90;
const DAY_SECONDS = 86_400;

/** The policy a sound document stands for, with its defaults. */
export function buildPolicy(document: PolicyDocument, env: Environment): Omit<Policy, 'hash'> {
  const { resources, clients, revision, providers = {} } = document;
  const onHeaders = Object.entries(providers).filter(([, { admitOnHeaders }]) => admitOnHeaders);
  return {
    resources: new Map(Object.entries(resources).map(([uri, entry]) => [uri, toResource(uri, entry, env)])),
    clients: new Map(Object.entries(clients).map(([id, entry]) => [id, toClient(id, entry, env)])),
    admitOnHeaders: new Set(onHeaders.map(([name]) => name)),
    ...(revision === undefined ? {} : { revision }),
  };
}

function toResource(uri: string, entry: ResourceDocument, env: Environment): ResourcePolicy {
  const scope = scopeOf(entry.scopes);
  if (entry.narrowing === 'minted') {
    return { narrowing: 'minted', scope, maxTokenSeconds: entry.maxTokenSeconds ?? DEFAULT_TOKEN_SECONDS };
  }
  return {
    narrowing: entry.narrowing,
    provider: entry.provider,
    scope,
    allowWider: entry.allowWider ?? false,
    ...(entry.facade === undefined ? {} : { facade: toFacade(uri, entry.facade, env) }),
  };
}

function toFacade(uri: string, entry: FacadeDocument, env: Environment): Facade {
  const { appId, scope, secretSetting = '', managedIdentity, resource = uri } = entry;
  const credential =
    managedIdentity === undefined ? { secret: env[secretSetting] ?? '' } : { managedIdentity };
  const secretExpiresAt = expiryDate(env[`${secretSetting}_EXPIRES`] ?? '');
  return {
    ...{ appId: appId.toLowerCase(), credential, scope, resource },
    ...(secretExpiresAt === undefined || !secretSetting ? {} : { secretExpiresAt }),
  };
}

function toClient(clientId: string, entry: ClientDocument, env: Environment): ClientPolicy {
  const { entraAppId, publicKeys, jwksUri, assertionReuse } = entry.auth;
  return {
    clientId,
    name: entry.name ?? clientId,
    secrets: secretsOf(entry, env),
    ...(entraAppId === undefined ? {} : { entraAppId: entraAppId.toLowerCase() }),
    ...(publicKeys === undefined ? {} : { publicKeys }),
    ...(jwksUri === undefined ? {} : { jwksUri }),
    certificates: entry.auth.certificates ?? [],
    certificateBoundTokens: entry.certificateBoundTokens ?? false,
    ...(assertionReuse === undefined ? {} : { assertionReuse }),
    resources: new Map(Object.entries(entry.resources).map(([uri, scopes]) => [uri, scopeOf(scopes)])),
    ...toLifetimes(entry),
    ...(entry.subjectAudiences === undefined ? {} : { subjectAudiences: entry.subjectAudiences }),
    serves: entry.serves ?? [],
    actors: entry.actors ?? [],
    redirectUris: entry.redirectUris ?? [],
    ...(entry.grantTypes === undefined ? {} : { grantTypes: entry.grantTypes }),
    ...(entry.subjects === undefined ? {} : { subjects: entry.subjects }),
    ...(entry.limits === undefined ? {} : { limits: toLimits(entry.limits) }),
  };
}

function toLifetimes({ maxGrantDays = DEFAULT_GRANT_DAYS, maxTokenSeconds }: ClientDocument) {
  return {
    maxGrantSeconds: maxGrantDays * DAY_SECONDS,
    ...(maxTokenSeconds === undefined ? {} : { maxTokenSeconds }),
  };
}

function toLimits({ grantTypes, ...each }: LimitsDocument): ClientLimits {
  return { ...each, grantTypes: new Map(Object.entries(grantTypes ?? {})) };
}
