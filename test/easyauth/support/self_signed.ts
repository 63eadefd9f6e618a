import { generateKeyPairSync, sign, X509Certificate } from 'node:crypto';

/** One DER element (ITU-T X.690 §8.1). */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const sequence = (...parts: readonly Buffer[]) => der(0x30, ...parts);
const sha256WithRsa = sequence(der(0x06, Buffer.from('2a864886f70d01010b', 'hex')), der(0x05));
const commonName = Buffer.from('550403', 'hex');

interface Wanted {
  /** Issuer and subject. */
  readonly name?: string;
  /** DNS name among the subject's alternative names. */
  readonly dns?: string;
  /** First and last day, `yymmddhhmmssZ`. */
  readonly from?: string;
  readonly to?: string;
}

/** The extension of that name (RFC 5280 §4.2.1.6), in its place in a certificate. */
function alternativeName(dns: string): Buffer {
  const names = sequence(der(0x82, Buffer.from(dns)));
  return der(0xa3, sequence(sequence(der(0x06, Buffer.from('551d11', 'hex')), der(0x04, names))));
}

/** A self-signed certificate with its RSA key in one PEM, and its SHA-1 thumbprint. */
export function selfSigned({
  name = 'easyauth',
  dns,
  from = '250101000000Z',
  to = '450101000000Z',
}: Wanted = {}): {
  pem: string;
  thumbprint: string;
} {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const subject = sequence(der(0x31, sequence(der(0x06, commonName), der(0x0c, Buffer.from(name)))));
  const time = (text: string) => der(0x17, Buffer.from(text));
  const content = sequence(
    der(0xa0, der(0x02, Buffer.of(2))),
    der(0x02, Buffer.of(1)),
    sha256WithRsa,
    subject,
    sequence(time(from), time(to)),
    subject,
    publicKey.export({ type: 'spki', format: 'der' }),
    ...(dns === undefined ? [] : [alternativeName(dns)]),
  );
  const signature = sign('sha256', content, privateKey);
  const certificate = sequence(content, sha256WithRsa, der(0x03, Buffer.of(0), signature));
  const { fingerprint } = new X509Certificate(certificate);
  const body = certificate.toString('base64').replace(/.{64}/g, '$&\n');
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return {
    pem: `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----\n${key}`,
    thumbprint: fingerprint.replaceAll(':', ''),
  };
}
