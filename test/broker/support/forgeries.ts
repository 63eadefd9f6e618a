import { createPublicKey, sign as signBytes } from 'node:crypto';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import { type Claims, forge } from './issuer.js';

/** A token as its true issuer makes it, taken apart so that it can be put together wrongly. */
export interface Genuine {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Claims;
  readonly publicJwk: JWK;
  /** Signs with the true key whatever header and payload say. */
  readonly sign: (header: object, payload: string) => string;
}

export interface Forger {
  readonly keys: Readonly<Record<'RS256' | 'ES256', ForgerKey>>;
  /** Where the forger waits for somebody to fetch keys. */
  readonly url: string;
}

interface ForgerKey {
  readonly publicJwk: JWK;
  readonly sign: Genuine['sign'];
}

export type Forgery = readonly [name: string, make: (genuine: Genuine, forger: Forger) => string];

/** Whose token is signed with whatever key it shows: there a foreign key is no forgery. */
export const BY_KEY = 'by another key: ';

const part = (value: object | string) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** Signs as JWS does, with a private key as JWK. */
export function signerOf(privateJwk: JWK): Genuine['sign'] {
  const hash = 'sha256';
  return (header, payload) => {
    const text = `${part(header)}.${payload}`;
    const key = {
      key: privateJwk as Record<string, unknown>,
      format: 'jwk',
      dsaEncoding: 'ieee-p1363',
    } as const;
    return `${text}.${signBytes(hash, Buffer.from(text), key).toString('base64url')}`;
  };
}

export async function createForger(url: string): Promise<Forger> {
  const make = async (alg: string): Promise<ForgerKey> => {
    const pair = await generateKeyPair(alg, { extractable: true });
    const privateJwk = await exportJWK(pair.privateKey);
    return { publicJwk: await exportJWK(pair.publicKey), sign: signerOf(privateJwk) };
  };
  const [rsa, ec] = await Promise.all([make('RS256'), make('ES256')]);
  return { url, keys: { RS256: rsa, ES256: ec } };
}

/** The token as it is. */
export const genuineToken = ({ header, claims, sign }: Genuine) => sign(header, part(claims));

const foreign = ({ header }: Genuine, { keys }: Forger) => keys[header.alg === 'ES256' ? 'ES256' : 'RS256'];
const withHeader =
  (more: (genuine: Genuine, forger: Forger) => object) =>
  (genuine: Genuine, forger: Forger): string =>
    foreign(genuine, forger).sign({ ...genuine.header, ...more(genuine, forger) }, part(genuine.claims));
const pem = ({ publicJwk }: Genuine) =>
  createPublicKey({ key: publicJwk as Record<string, unknown>, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString();
const hmac = (secret: (genuine: Genuine) => string, alg = 'HS256') =>
  ((genuine) => forge({ ...genuine.header, alg }, genuine.claims, secret(genuine))) satisfies Forgery[1];
const edited =
  (change: (parts: string[]) => readonly string[]) =>
  (genuine: Genuine): string =>
    change(genuineToken(genuine).split('.')).join('.');

/** What nobody without the key should get past, each over claims that are all in order (RFC 8725 §2, peers' own mishaps). */
const WITHOUT_THE_KEY: readonly Forgery[] = [
  ...['none', 'None', 'NONE', 'nOnE', ''].map(
    (alg): Forgery => [
      `alg ${JSON.stringify(alg)}`,
      ({ header, claims }) => forge({ ...header, alg }, claims),
    ],
  ),
  ['alg none and a signature', ({ header, claims }) => forge({ ...header, alg: 'none' }, claims, 'x')],
  ['alg as a list', ({ header, claims }) => forge({ ...header, alg: [header.alg, 'none'] }, claims)],
  ['no alg', ({ header: { alg: _, ...rest }, claims }) => forge(rest, claims)],
  [
    'alg twice, none last',
    ({ header, claims }) => {
      const twice = JSON.stringify(header).replace(/}$/, ',"alg":"none"}');
      return `${part(twice)}.${part(claims)}.`;
    },
  ],
  [
    'alg twice, none first',
    ({ header, claims }) => {
      const twice = JSON.stringify(header).replace(/^{/, '{"alg":"none",');
      return `${part(twice)}.${part(claims)}.`;
    },
  ],
  ['HS256 over the public key in PEM', hmac(pem)],
  ['HS384 over the public key in PEM', hmac(pem, 'HS384')],
  ['HS256 over the public key as JWK', hmac(({ publicJwk }) => JSON.stringify(publicJwk))],
  ['HS256 over an empty secret', hmac(() => '')],
  [
    'its own algorithm in name over an HMAC',
    (genuine) => forge(genuine.header, genuine.claims, pem(genuine)),
  ],
  ['its signature cut off', edited(([header = '', claims = '']) => [header, claims, ''])],
  ['its signature left out', edited(([header = '', claims = '']) => [header, claims])],
  [
    'its signature from somewhere else',
    edited(([header = '', claims = '', sig = '']) => [header, claims, sig.split('').reverse().join('')]),
  ],
  ['a fourth part', edited((parts) => [...parts, 'x'])],
  ['a fifth part, as if encrypted', edited((parts) => [...parts, 'x', 'x'])],
  [
    'its claims changed after signing',
    edited(([header = '', claims = '', sig = '']) => {
      const read: Record<string, unknown> = JSON.parse(Buffer.from(claims, 'base64url').toString());
      return [header, part({ ...read, mallory: 1 }), sig];
    }),
  ],
  [
    'its header changed after signing',
    edited(([header = '', claims = '', sig = '']) => {
      const read: Record<string, unknown> = JSON.parse(Buffer.from(header, 'base64url').toString());
      return [part({ ...read, mallory: 1 }), claims, sig];
    }),
  ],
  [
    'a claim said again behind the signed ones',
    edited(([header = '', claims = '', sig = '']) => {
      const text = Buffer.from(claims, 'base64url').toString().replace(/}$/, ',"sub":"mallory"}');
      return [header, part(text), sig];
    }),
  ],
  ['claims that are no object', ({ header, sign }) => sign(header, part('"claims"'))],
  ['claims that are no JSON', ({ header, sign }) => sign(header, part('{'))],
];

/** Made with another key, and with every way a header has to say where that one can be had. */
const BY_ANOTHER_KEY: readonly Forgery[] = (
  [
    ['under the known kid', withHeader(() => ({}))],
    ['under no kid', withHeader(() => ({ kid: undefined }))],
    ['under a kid of its own', withHeader(() => ({ kid: 'mallory' }))],
    ['embedded as jwk', withHeader((...at) => ({ jwk: foreign(...at).publicJwk }))],
    [
      'embedded as jwk under a kid of its own',
      withHeader((...at) => ({ kid: 'm', jwk: { ...foreign(...at).publicJwk, kid: 'm' } })),
    ],
    ['named by jku', withHeader((_, { url }) => ({ kid: 'm', jku: `${url}/jku` }))],
    ['named by x5u', withHeader((_, { url }) => ({ kid: 'm', x5u: `${url}/x5u` }))],
    ['with a certificate in x5c', withHeader(() => ({ kid: 'm', x5c: ['AAAA'], x5t: 'AAAA' }))],
    ['with a kid that is its address', withHeader((_, { url }) => ({ kid: `${url}/kid` }))],
    ['with a kid that is a path', withHeader(() => ({ kid: '../../../../dev/null' }))],
    ['with a kid that is a query', withHeader(() => ({ kid: "' or PartitionKey ne '" }))],
    ['with a kid by an inherited name', withHeader(() => ({ kid: '__proto__' }))],
    ['with a kid that is a list', withHeader(({ header }) => ({ kid: [header.kid] }))],
    ['with a kid of 8,000 characters', withHeader(() => ({ kid: 'k'.repeat(8000) }))],
  ] satisfies readonly Forgery[]
).map(([name, make]): Forgery => [`${BY_KEY}${name}`, make]);

const truly =
  (header: object, claims: object = {}): Forgery[1] =>
  (genuine) =>
    genuine.sign({ ...genuine.header, ...header }, part({ ...genuine.claims, ...claims }));

/** Signed by the true key, and still not what it should be. */
const BY_THE_TRUE_KEY: readonly Forgery[] = [
  ['a critical header nobody knows', truly({ crit: ['mallory'], mallory: 1 })],
  ['a critical header that is not there', truly({ crit: ['exp'] })],
  ['an empty list of critical headers', truly({ crit: [] })],
  [
    'a payload that is not encoded (RFC 7797)',
    ({ header, claims, sign }) => sign({ ...header, b64: false, crit: ['b64'] }, part(claims)),
  ],
  ['the type of a logout token', truly({ typ: 'logout+jwt' })],
  ['the type of a security event', truly({ typ: 'secevent+jwt' })],
  ['a type that is no text', truly({ typ: ['JWT'] })],
  ['more than 16 KiB', truly({}, { padding: 'x'.repeat(17_000) })],
  ['no issuer', truly({}, { iss: undefined })],
  [
    'a list of issuers',
    ({ header, claims, sign }) => sign(header, part({ ...claims, iss: [claims.iss, 'x'] })),
  ],
  ['no audience', truly({}, { aud: undefined })],
  ['another audience', truly({}, { aud: 'https://elsewhere.test' })],
  ['an audience that is no text', truly({}, { aud: { is: 'ours' } })],
  ['no end', truly({}, { exp: undefined })],
  ['an end that is a text', truly({}, { exp: '9999999999' })],
  ['an end that is null', truly({}, { exp: null })],
  ['an end long ago', truly({}, { exp: 1 })],
  ['a beginning far ahead', truly({}, { nbf: 9_999_999_999 })],
];

export const FORGERIES: readonly Forgery[] = [...WITHOUT_THE_KEY, ...BY_ANOTHER_KEY, ...BY_THE_TRUE_KEY];

/** What is no token at all. */
export const NO_TOKENS: readonly string[] = [
  'x',
  'a.b.c',
  '...',
  'e30.e30.',
  `${'e30.'.repeat(40)}x`,
  '{"alg":"none"}',
  'eyJhbGciOiJub25lIn0',
];
