import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Issues } from './reader.js';
import type { AadCredential, Environment, Secret } from './settings.js';
import type { Tree } from './tree.js';
import { isLoopbackHost, readSecret } from './values.js';

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
  return { kind: 'certificate', thumbprint, pem };
}

/** The endpoint of App Service is on the machine itself; its header is a secret, so it goes nowhere else. */
function isLocal(endpoint: string): boolean {
  if (!URL.canParse(endpoint)) return false;
  const { hostname, protocol } = new URL(endpoint);
  return (
    /^https?:$/.test(protocol) && (isLoopbackHost(hostname) || /^169\.254(?:\.\d{1,3}){2}$/.test(hostname))
  );
}

function identity(env: Environment, issues: Issues): AadCredential | undefined {
  const path = `${root}.clientSecretSettingName`;
  const clientId = env[managedIdentity] ?? '';
  const endpoint = env.IDENTITY_ENDPOINT ?? '';
  if (clientId === '') issues.problem(path, `${managedIdentity} must be set to the identity's client id`);
  if (endpoint === '') issues.problem(path, 'needs IDENTITY_ENDPOINT: this machine has no managed identity');
  else if (!isLocal(endpoint)) issues.problem('IDENTITY_ENDPOINT', 'must be an address of this machine');
  const header = readSecret({ name: 'IDENTITY_HEADER', path, env, issues });
  return header === undefined ? undefined : { kind: 'managed-identity', clientId, endpoint, header };
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
