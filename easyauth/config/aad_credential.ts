import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readIdentityEndpoint } from './managed_identity.js';
import type { Issues } from './reader.js';
import type { AadCredential, Environment, Secret } from './settings.js';
import type { Tree } from './tree.js';
import { readSecret } from './values.js';

const root = 'identityProviders.azureActiveDirectory.registration';
const managedIdentity = 'OVERRIDE_USE_MI_FIC_ASSERTION_CLIENTID';

/** What is wrong with a PEM that should hold the certificate of this thumbprint and its private key. */
function certificateFault({ reveal }: Secret, thumbprint: string): string | undefined {
  try {
    const certificate = new X509Certificate(reveal());
    if (certificate.fingerprint.replaceAll(':', '').toLowerCase() !== thumbprint)
      return 'holds a certificate with another thumbprint';
    const key = createPrivateKey(reveal());
    if (key.asymmetricKeyType !== 'rsa') return 'must hold an RSA key';
    return certificate.checkPrivateKey(key) ? undefined : 'holds a key that is not that of the certificate';
  } catch {
    return 'must be PEM with the certificate and its private key';
  }
}

/** The certificate comes as PEM from `EASYAUTH_CERTIFICATE_<THUMBPRINT>`: there is no Windows certificate store here. */
function certificate(value: string, env: Environment, issues: Issues): AadCredential | undefined {
  const path = `${root}.clientSecretCertificateThumbprint`;
  const thumbprint = value.replace(/[\s:]/g, '').toLowerCase();
  if (!/^[0-9a-f]{40}$/.test(thumbprint)) {
    issues.problem(path, 'must be a SHA-1 thumbprint');
    return undefined;
  }
  const setting = `EASYAUTH_CERTIFICATE_${thumbprint.toUpperCase()}`;
  const pem = readSecret({ name: setting, path, env, issues });
  if (pem === undefined) return undefined;
  const fault = certificateFault(pem, thumbprint);
  if (fault !== undefined) issues.problem(setting, fault);
  return { kind: 'certificate', pem, bySubject: false };
}

function identity(env: Environment, issues: Issues): AadCredential | undefined {
  const path = `${root}.clientSecretSettingName`;
  const clientId = env[managedIdentity] ?? '';
  if (clientId === '') issues.problem(path, `${managedIdentity} must be set to the identity's client id`);
  const endpoint = readIdentityEndpoint(env, path, issues);
  return endpoint === undefined ? undefined : { kind: 'managed-identity', clientId, identity: endpoint };
}

/** How the app registration proves itself: a secret, a certificate or a managed identity; undefined for none. */
export function readAadCredential(tree: Tree, env: Environment, issues: Issues): AadCredential | undefined {
  const { registration } = tree.identityProviders.azureActiveDirectory;
  const { clientSecretSettingName: name, clientSecretCertificateThumbprint: thumbprint } = registration;
  if (registration.clientSecretCertificateSubjectAlternativeName !== undefined)
    issues.problem(
      `${root}.clientSecretCertificateSubjectAlternativeName`,
      'cannot be looked up here: name the certificate by clientSecretCertificateThumbprint',
    );
  if (name !== undefined && thumbprint !== undefined)
    issues.problem(
      `${root}.clientSecretCertificateThumbprint`,
      'contradicts clientSecretSettingName: give one',
    );
  if (thumbprint !== undefined) return certificate(thumbprint, env, issues);
  if (name === managedIdentity) return identity(env, issues);
  const secret = readSecret({ name, path: `${root}.clientSecretSettingName`, env, issues });
  return secret === undefined ? undefined : { kind: 'secret', secret };
}
