import { runInNewContext } from 'node:vm';
import type { Answer } from './browser.js';

/** The one script of a page, checked to be the only one its policy allows. */
export function scriptOf(answer: Answer): string {
  const policy = String(answer.headers['content-security-policy']);
  const nonce = /script-src 'nonce-([A-Za-z0-9+/=]+)'/.exec(policy)?.[1];
  const scripts = [...answer.text.matchAll(/<script nonce="([^"]+)">([\s\S]*?)<\/script>/g)];
  if (nonce === undefined || !policy.includes("default-src 'none'") || policy.includes('unsafe'))
    throw new Error(`the policy is not strict: ${policy}`);
  if (scripts.length !== 1 || scripts[0]?.[1] !== nonce) throw new Error('not exactly the allowed script');
  return scripts[0]?.[2] ?? '';
}

/** Runs a page's script in a window of ours. */
export function runScript(answer: Answer, window: Record<string, unknown>): void {
  runInNewContext(scriptOf(answer), { window, URL, URLSearchParams });
}
