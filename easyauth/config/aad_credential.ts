import { createPrivateKey, X509Certificate } from 'node:crypto';
import { findCertificate } from './certificate_folder.js';
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

/** App Service puts certificates there for apps on Linux. */
const usualFolder = '/var/ssl/private';

/** Entra trusts a certificate of this name and issuer, whichever it is just now: found in a folder, since it changes when renewed. */
function namedCertificate(
  subject: string,
  issuer: string | undefined,
  { env, issues }: { readonly env: Environment; readonly issues: Issues },
): AadCredential | undefined {
  const folder = env.EASYAUTH_CERTIFICATES_DIRECTORY || env.WEBSITE_PRIVATE_CERTS_PATH || usualFolder;
  const { pem, unreadable } = findCertificate(folder, { subject, issuer }, Date.now());
  if (pem !== undefined) return { kind: 'certificate', pem, bySubject: true };
  const where =
    'names no valid certificate with its RSA key among the .pem files of EASYAUTH_CERTIFICATES_DIRECTORY';
  const hint = unreadable ? '; .p12 and .pfx files cannot be read here: convert them to PEM' : '';
  issues.problem(`${root}.clientSecretCertificateSubjectAlternativeName`, `${where}${hint}`);
  return undefined;
}

/** How the app registration proves itself: a secret, a certificate or a managed identity; undefined for none. */
export function readAadCredential(tree: Tree, env: Environment, issues: Issues): AadCredential | undefined {
  const { registration } = tree.identityProviders.azureActiveDirectory;
  const {
    clientSecretSettingName: name,
    clientSecretCertificateThumbprint: thumbprint,
    clientSecretCertificateSubjectAlternativeName: subject,
    clientSecretCertificateIssuer: issuer,
  } = registration;
  const given = {
    clientSecretCertificateSubjectAlternativeName: subject,
    clientSecretCertificateThumbprint: thumbprint,
    clientSecretSettingName: name,
  };
  const [first = '', second] = Object.entries(given).flatMap(([member, value]) =>
    value === undefined ? [] : [member],
  );
  if (second !== undefined) issues.problem(`${root}.${first}`, `contradicts ${second}: give one`);
  if (issuer !== undefined && subject === undefined)
    issues.warn(`${root}.clientSecretCertificateIssuer`, 'has no effect without a subject alternative name');
  if (subject !== undefined) return namedCertificate(subject, issuer, { env, issues });
  if (thumbprint !== undefined) return certificate(thumbprint, env, issues);
  if (name === managedIdentity) return identity(env, issues);
  const secret = readSecret({ name, path: `${root}.clientSecretSettingName`, env, issues });
  return secret === undefined ? undefined : { kind: 'secret', secret };
}
