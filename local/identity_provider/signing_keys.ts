import { createHash, createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { readOrCreate, replaceFile } from './files.js';

export type SigningKey = Readonly<{ kid: string; privateKey: KeyObject; publicKey: KeyObject }>;
export type PublicJwk = Readonly<{ kty: 'RSA'; use: 'sig'; kid: string; x5t: string; n: string; e: string }>;

export type SigningKeys = Readonly<{
  /** The key that signs now. */
  current: () => SigningKey;
  /** The published key of that id, if it is still published. */
  find: (kid: string | undefined) => SigningKey | undefined;
  published: () => readonly PublicJwk[];
  /** Makes a new signing key, durably; `keepOld: false` withdraws every earlier key at once. */
  rotate: (keepOld: boolean) => Promise<string>;
}>;

const generate = promisify(generateKeyPair);

async function newPem(): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function fromPem(pem: string): SigningKey {
  const privateKey = createPrivateKey(pem);
  const publicKey = createPublicKey(privateKey);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { kid: createHash('sha256').update(spki).digest('base64url').slice(0, 27), privateKey, publicKey };
}

function toJwk({ kid, publicKey }: SigningKey): PublicJwk {
  const { n, e } = publicKey.export({ format: 'jwk' });
  if (typeof n !== 'string' || typeof e !== 'string') throw new TypeError('a signing key is not RSA');
  return { kty: 'RSA', use: 'sig', kid, x5t: kid, n, e };
}

function parsePems(text: string, path: string): string[] {
  const parsed: unknown = JSON.parse(text);
  if (Array.isArray(parsed) && parsed.length > 0 && parsed.every((pem) => typeof pem === 'string'))
    return parsed;
  throw new Error(`${path} does not hold a list of signing keys`);
}

/** Loads the RSA signing keys from a file (mode 0600), making the first one when there is none. The last signs. */
export async function loadSigningKeys(path: string): Promise<SigningKeys> {
  let pems = parsePems(await readOrCreate(path, async () => JSON.stringify([await newPem()])), path);
  let keys = pems.map(fromPem);
  let jwks = keys.map(toJwk);
  let queue: Promise<unknown> = Promise.resolve();

  const add = async (keepOld: boolean): Promise<string> => {
    const pem = await newPem();
    const next = [...(keepOld ? pems : []), pem];
    await replaceFile(path, JSON.stringify(next));
    pems = next;
    keys = pems.map(fromPem);
    jwks = keys.map(toJwk);
    return last(keys).kid;
  };
  return {
    current: () => last(keys),
    find: (kid) => keys.find((key) => key.kid === kid),
    published: () => jwks,
    rotate: (keepOld) => {
      const done = queue.then(() => add(keepOld));
      queue = done.catch(() => undefined);
      return done;
    },
  };
}

function last(keys: readonly SigningKey[]): SigningKey {
  const key = keys.at(-1);
  if (key === undefined) throw new Error('there is no signing key');
  return key;
}
