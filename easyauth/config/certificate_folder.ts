import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Secret } from './settings.js';

/** Which certificate is looked for. */
export interface CertificateName {
  /** A DNS name or e-mail address among the subject's alternative names. */
  readonly subject: string;
  /** The issuer's common name, or `CN=…,O=…` of which each part must be there; undefined for any issuer. */
  readonly issuer: string | undefined;
}

export interface CertificateSearch {
  /** The newest valid certificate with its RSA key; undefined when there is none. */
  readonly pem: Secret | undefined;
  /** Whether there are files whose form cannot be read here. */
  readonly unreadable: boolean;
}

function issuedBy(certificate: X509Certificate, issuer: string | undefined): boolean {
  if (issuer === undefined) return true;
  const parts = issuer.includes('=') ? issuer.split(',').map((part) => part.trim()) : [`CN=${issuer}`];
  const held = certificate.issuer.split('\n').map((part) => part.toLowerCase());
  return parts.every((part) => held.includes(part.toLowerCase()));
}

function isNamed(certificate: X509Certificate, subject: string): boolean {
  const exact = { subject: 'never', wildcards: false } as const;
  const named = subject.includes('@')
    ? certificate.checkEmail(subject, exact)
    : certificate.checkHost(subject, exact);
  return named !== undefined;
}

interface Candidate {
  readonly path: string;
  readonly text: string;
  readonly from: number;
}

/** The file as a candidate; undefined when it is no PEM, another certificate, out of its time or without its RSA key. */
function candidate(path: string, { subject, issuer }: CertificateName, now: number): Candidate | undefined {
  try {
    const text = readFileSync(path, 'utf8');
    const certificate = new X509Certificate(text);
    const key = createPrivateKey(text);
    const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
    const valid = from <= now && now <= to;
    const own = key.asymmetricKeyType === 'rsa' && certificate.checkPrivateKey(key);
    const wanted = isNamed(certificate, subject) && issuedBy(certificate, issuer);
    return valid && own && wanted ? { path, text, from } : undefined;
  } catch {
    return undefined;
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/**
 * Looks for a certificate by its subject's alternative name among the `.pem` files of a folder, each holding a certificate, its key
 * and perhaps its issuers' certificates. Of several the one issued last counts, so that a renewed one takes over at the next start.
 * @param now milliseconds since 1970
 */
export function findCertificate(folder: string, name: CertificateName, now: number): CertificateSearch {
  const names = namesIn(folder);
  const found = names
    .filter((file) => file.endsWith('.pem'))
    .map((file) => candidate(join(folder, file), name, now))
    .filter((one) => one !== undefined)
    .sort((a, b) => b.from - a.from)[0];
  const unreadable = names.some((file) => /\.(?:p12|pfx)$/.test(file));
  if (found === undefined) return { pem: undefined, unreadable };
  const { path, text } = found;
  return { pem: { setting: path, reveal: () => text }, unreadable };
}
