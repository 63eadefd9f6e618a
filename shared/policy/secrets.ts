import type { Environment } from '../config.js';
import {
  type ClientSecret,
  digestOf,
  LEAST_SECRET_CHARS,
  looksHashed,
  parseSecretHash,
} from '../domain/client_secret.js';
import type { ClientDocument } from './document.js';

/** What is wrong with a client's secrets, by the names of document and setting and never by a value. */
export function secretProblems(id: string, { auth }: ClientDocument, env: Environment): readonly string[] {
  const place = `policy/clients/${id}/auth`;
  return [
    ...settingsOf(auth).flatMap((setting) =>
      settingProblems(setting, env).map((problem) => `${place}/secretSetting: ${problem}`),
    ),
    ...(auth.secretHashes ?? []).flatMap((text, index) =>
      parseSecretHash(text) ? [] : [`${place}/secretHashes/${index}: ${UNREADABLE_HASH}`],
    ),
  ];
}

/** The secrets of a client without {@link secretProblems}. */
export function secretsOf({ auth }: ClientDocument, env: Environment): readonly ClientSecret[] {
  const texts = [...settingsOf(auth).map((setting) => env[setting] ?? ''), ...(auth.secretHashes ?? [])];
  return texts.flatMap((text): ClientSecret[] => {
    if (!looksHashed(text)) return [digestOf(text)];
    const hash = parseSecretHash(text);
    return hash ? [hash] : [];
  });
}

const UNREADABLE_HASH = 'is not scrypt$N$r$p$salt$hash with 16384 ≤ N, 8 ≤ r, p ≤ 4 and at most 128 MiB';

function settingsOf({ secretSetting }: ClientDocument['auth']): readonly string[] {
  if (secretSetting === undefined) return [];
  return typeof secretSetting === 'string' ? [secretSetting] : secretSetting;
}

function settingProblems(setting: string, env: Environment): readonly string[] {
  const value = Object.hasOwn(env, setting) ? env[setting] : undefined;
  if (!value) return [`the setting ${setting} is missing`];
  if (looksHashed(value)) return parseSecretHash(value) ? [] : [`the setting ${setting} ${UNREADABLE_HASH}`];
  if (value.length >= LEAST_SECRET_CHARS) return [];
  return [`the setting ${setting} must hold at least ${LEAST_SECRET_CHARS} characters`];
}
