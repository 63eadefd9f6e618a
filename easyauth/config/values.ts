import type { Issues } from './reader.js';
import type { Environment, Secret } from './settings.js';

const conventionalName = /^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$/;

/** Whether a host name (with or without brackets) can only be this machine. */
export function isLoopbackHost(hostname: string): boolean {
  const host = hostname.toLowerCase().replace(/^\[|\]$/g, '');
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '::1' ||
    /^127(?:\.\d{1,3}){3}$/.test(host)
  );
}

/** What is wrong with a provider address: it must be an https URL; http is for loopback hosts only. */
export function secureUrlFault(value: string): string | undefined {
  if (!URL.canParse(value)) return 'must be an absolute URL';
  const url = new URL(value);
  if (url.username !== '' || url.password !== '') return 'must not hold credentials';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol === 'http:' && isLoopbackHost(url.hostname)) return undefined;
  return 'must use https (http is accepted for loopback hosts only)';
}

interface SecretRequest {
  readonly name: string | undefined;
  readonly path: string;
  readonly env: Environment;
  readonly issues: Issues;
}

/**
 * Resolves a `*SettingName`. The name itself is repeated in a message only when it looks like one, since people paste the secret
 * there by mistake.
 */
export function readSecret({ name, path, env, issues }: SecretRequest): Secret | undefined {
  if (name === undefined) return undefined;
  const value = env[name];
  if (value === undefined || value === '') {
    const shown = conventionalName.test(name) ? `${name}, which` : 'a setting that';
    issues.problem(path, `names ${shown} is not set in the environment`);
    return undefined;
  }
  return { setting: name, reveal: () => value };
}

const scriptSchemes = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'file:',
  'blob:',
  'about:',
  'view-source:',
]);

/** What is wrong with an entry of `allowedExternalRedirectUrls`. Custom schemes are fine, those that run a script are not. */
export function redirectUrlFault(value: string): string | undefined {
  if (!URL.canParse(value)) return 'must be an absolute URL';
  const url = new URL(value);
  if (scriptSchemes.has(url.protocol)) return 'must not use a scheme that runs or embeds content';
  if (url.username !== '' || url.password !== '') return 'must not hold credentials';
  return undefined;
}

/** What is wrong with a path of this site: it starts with one slash and holds nothing that servers read in different ways. */
export function pathFault(value: string): string | undefined {
  if (!value.startsWith('/')) return 'must start with /';
  if (/[\s?#\\;]|\/\/|\/\.{1,2}(?:\/|$)/.test(value)) return 'must be a plain path';
  return undefined;
}
