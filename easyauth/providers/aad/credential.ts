import { createHash, createPrivateKey, randomUUID, X509Certificate } from 'node:crypto';
import { SignJWT } from 'jose';
import type { AadCredential } from '../../config/settings.js';
import { identityToken } from '../identity_token.js';
import type { ProviderHttp } from '../openid/provider_http.js';

/** How the gateway proves to Entra that it is the app registration. */
export interface ClientProof {
  /** The members this proof adds to a token request. @throws ProviderError when an assertion cannot be had */
  members(tokenEndpoint: string): Promise<Record<string, string>>;
}

const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const assertionSeconds = 300;

interface ProofDeps {
  readonly clientId: string;
  readonly http: ProviderHttp;
  readonly now: () => number;
}

type Certificate = Extract<AadCredential, { kind: 'certificate' }>;
type ManagedIdentity = Extract<AadCredential, { kind: 'managed-identity' }>;

/** The certificate and its issuers as they stand in the PEM, Base64 (RFC 7515 §4.1.6). */
function chainOf(pem: string): string[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block).raw.toString('base64'));
}

/**
 * A signed assertion naming the certificate by its thumbprints, and showing it where Entra knows it by its name only (RFC 7523 §2.2,
 * RFC 7515 §4.1.6 to 4.1.8).
 */
function certificateProof({ pem, bySubject }: Certificate, { clientId, now }: ProofDeps): ClientProof {
  const key = createPrivateKey(pem.reveal());
  const { raw } = new X509Certificate(pem.reveal());
  const digest = (name: string) => createHash(name).update(raw).digest('base64url');
  const chain = bySubject ? { x5c: chainOf(pem.reveal()) } : {};
  const header = { alg: 'PS256', typ: 'JWT', x5t: digest('sha1'), 'x5t#S256': digest('sha256'), ...chain };
  return {
    members: async (tokenEndpoint) => {
      const at = Math.floor(now() / 1000);
      const client_assertion = await new SignJWT({ jti: randomUUID() })
        .setProtectedHeader(header)
        .setIssuer(clientId)
        .setSubject(clientId)
        .setAudience(tokenEndpoint)
        .setIssuedAt(at)
        .setNotBefore(at)
        .setExpirationTime(at + assertionSeconds)
        .sign(key);
      return { client_assertion_type: assertionType, client_assertion };
    },
  };
}

/** A token of the managed identity, trusted by the app registration as a federated credential. */
function identityProof({ clientId, identity }: ManagedIdentity, { http }: ProofDeps): ClientProof {
  const which = { resource: 'api://AzureADTokenExchange', client_id: clientId };
  return {
    members: async () => {
      const { token } = await identityToken(http, identity, which);
      return { client_assertion_type: assertionType, client_assertion: token };
    },
  };
}

/** The proof of a credential: the secret itself, or an assertion. Undefined without one. */
export function createClientProof(
  credential: AadCredential | undefined,
  deps: ProofDeps,
): ClientProof | undefined {
  if (credential === undefined) return undefined;
  if (credential.kind === 'certificate') return certificateProof(credential, deps);
  if (credential.kind === 'managed-identity') return identityProof(credential, deps);
  return { members: async () => ({ client_secret: credential.secret.reveal() }) };
}
