import { Ajv, type ErrorObject } from 'ajv';
import { ConfigRefused } from '../config.js';
import schema from '../policy.schema.json' with { type: 'json' };
import { repeatedMembers } from './repeated_members.js';

export interface PolicyDocument {
  version?: 1;
  revision?: string;
  resources: Record<string, ResourceDocument>;
  clients: Record<string, ClientDocument>;
  providers?: Record<string, { admitOnHeaders?: boolean }>;
}
export type ResourceDocument =
  | { narrowing: 'minted'; scopes: string[]; maxTokenSeconds?: number }
  | {
      narrowing: 'provider' | 'facade';
      provider: string;
      scopes: string[];
      allowWider?: boolean;
      facade?: FacadeDocument;
    };
export interface FacadeDocument {
  appId: string;
  scope: string;
  secretSetting?: string;
  managedIdentity?: string;
  resource?: string;
}
export interface ClientDocument {
  name?: string;
  auth: {
    secretSetting?: string | string[];
    secretHashes?: string[];
    entraAppId?: string;
    publicKeys?: Record<string, unknown>[];
    jwksUri?: string;
    certificates?: string[];
    assertionReuse?: boolean;
  };
  resources: Record<string, string[]>;
  maxGrantDays?: number;
  maxTokenSeconds?: number;
  subjectAudiences?: string[];
  serves?: string[];
  actors?: string[];
  certificateBoundTokens?: boolean;
  redirectUris?: string[];
  grantTypes?: string[];
  limits?: LimitsDocument;
  subjects?: { tenants?: string[]; groups?: string[]; roles?: string[] };
}
export interface LimitDocument {
  perMinute?: number;
  perDay?: number;
}
export interface LimitsDocument extends LimitDocument {
  grantTypes?: Record<string, LimitDocument>;
}

/** Ten thousand clients with a dozen scopes each fit many times over. */
export const MOST_POLICY_BYTES = 8 * 1024 * 1024;
/** The one form this broker reads. A document that names none is of this form: it is older than the member. */
const VERSION = 1;

const isDocument = new Ajv({ allErrors: true }).compile<PolicyDocument>(schema);

/**
 * The document as it is written, of the form the schema describes.
 * @throws ConfigRefused listing every problem of form by its place in the document
 */
export function parseDocument(text: string): PolicyDocument {
  if (Buffer.byteLength(text) > MOST_POLICY_BYTES) {
    throw new ConfigRefused([`policy: is larger than ${MOST_POLICY_BYTES} bytes`]);
  }
  const value = parseJson(text);
  assertVersion(value);
  const repeated = repeatedMembers(text).map((place) => `policy/${place}: is given more than once`);
  if (!isDocument(value))
    throw new ConfigRefused([...repeated, ...(isDocument.errors ?? []).map(formProblem)]);
  if (repeated.length > 0) throw new ConfigRefused(repeated);
  return value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ConfigRefused(['policy: is not valid JSON']);
  }
}

/** Before the form: what else is wrong with a document of another version says nothing to anybody. */
function assertVersion(value: unknown): void {
  const version: unknown =
    typeof value === 'object' && value !== null ? Reflect.get(value, 'version') : undefined;
  if (version === undefined || version === VERSION) return;
  throw new ConfigRefused([`policy/version: must be ${VERSION}, the one form that this broker reads`]);
}

function formProblem(error: ErrorObject): string {
  const place = error.instancePath === '' ? 'policy' : `policy${error.instancePath}`;
  const extra: unknown = error.params.additionalProperty;
  return `${place}: ${error.message ?? 'is not valid'}${typeof extra === 'string' ? ` (${extra})` : ''}`;
}
