import type { AppCredential } from '../../config.js';

/** The app registration's own credential cannot be had: the same for every user, and never a user's fault. */
export class CredentialFault extends Error {
  /** For the failure log. */
  readonly word: string;
  constructor(word: string, cause: unknown) {
    super('the credential of an app registration cannot be had', { cause });
    this.name = 'CredentialFault';
    this.word = word;
  }
}

/** The form parameters that prove an app registration. @throws CredentialFault */
export type CredentialForm = (
  credential: AppCredential,
  issuer: string,
) => Promise<Readonly<Record<string, string>>>;

/** A token of a user-assigned managed identity for an audience. */
export type IdentityToken = (clientId: string, audience: string) => Promise<string>;

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** A secret in the body (RFC 6749 §2.3.1), or a managed identity's token as the assertion of a federated credential (RFC 7523 §2.2). */
export function createCredentialForm(identityToken: IdentityToken): CredentialForm {
  return async (credential, issuer) => {
    if ('secret' in credential) return { client_secret: credential.secret };
    try {
      const assertion = await identityToken(credential.managedIdentity, exchangeAudience(issuer));
      return { client_assertion_type: ASSERTION_TYPE, client_assertion: assertion };
    } catch (error) {
      throw new CredentialFault('managed_identity', error);
    }
  };
}

/** Each cloud has its own audience for the exchange of tokens; other clouds' identities are not accepted. */
function exchangeAudience(issuer: string): string {
  const { hostname } = new URL(issuer);
  if (hostname === 'login.microsoftonline.us') return 'api://AzureADTokenExchangeUSGov';
  if (hostname === 'login.partner.microsoftonline.cn') return 'api://AzureADTokenExchangeChina';
  return 'api://AzureADTokenExchange';
}
