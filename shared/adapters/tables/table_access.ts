import { createHmac } from 'node:crypto';
import type { TokenCredential } from '@azure/identity';
import type { Authorize } from './batch_insert.js';

const SCOPE = 'https://storage.azure.com/.default';
/** A token is had anew so long before its end, ms. */
const EARLY_MS = 5 * 60_000;

/**
 * Signs with the account's key (SharedKeyLite of the Table service). Undefined for a connection string that has none, such as one with a
 * shared access signature.
 */
export function signWithAccountKey(connectionString: string): Authorize | undefined {
  const account = partOf(connectionString, 'AccountName');
  const key = partOf(connectionString, 'AccountKey');
  if (account === undefined || key === undefined) return undefined;
  const secret = Buffer.from(key, 'base64');
  return async (path) => {
    const date = new Date().toUTCString();
    const signature = createHmac('sha256', secret).update(`${date}\n/${account}${path}`).digest('base64');
    return { 'x-ms-date': date, authorization: `SharedKeyLite ${account}:${signature}` };
  };
}

function partOf(connectionString: string, name: string): string | undefined {
  return new RegExp(`(?:^|;)${name}=([^;]+)`, 'i').exec(connectionString)?.[1];
}

/** Shows a token of the app's identity, had once and used until shortly before its end. @throws the credential's error */
export function showIdentity(credential: TokenCredential): Authorize {
  let held: { token: string; until: number } | undefined;
  return async () => {
    if (!held || held.until <= Date.now()) {
      const token = await credential.getToken(SCOPE);
      if (!token) throw new Error('the identity has no token for storage');
      held = { token: token.token, until: token.expiresOnTimestamp - EARLY_MS };
    }
    return { 'x-ms-date': new Date().toUTCString(), authorization: `Bearer ${held.token}` };
  };
}
