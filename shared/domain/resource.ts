import { Refusal } from './errors.js';

/** True for an absolute URI without a fragment (RFC 8707 §2). */
export function isResourceUri(text: string): boolean {
  return text.length <= 1024 && !text.includes('#') && !/\s/.test(text) && URL.canParse(text);
}

/**
 * The one resource a token request names, as `resource` (RFC 8707) or `audience` (RFC 8693 §2.1).
 * @throws Refusal `invalid_request` for none or both, `invalid_target` for a relative URI or one with a fragment.
 */
export function requestedResource(resource: string | undefined, audience: string | undefined): string {
  if (resource !== undefined && audience !== undefined) {
    throw new Refusal('invalid_request', { description: 'resource and audience must not both be given' });
  }
  const uri = resource ?? audience;
  if (uri === undefined) throw new Refusal('invalid_request', { description: 'resource is missing' });
  if (!isResourceUri(uri)) {
    const name = resource === undefined ? 'audience' : 'resource';
    throw new Refusal('invalid_target', {
      description: `${name} must be an absolute URI without a fragment`,
    });
  }
  return uri;
}
