import type { HttpRequest } from '@azure/functions';
import { Refusal } from '../domain/errors.js';

const MOST_BYTES = 64 * 1024;
const MOST_PARAMETERS = 50;

/** The parameters of a form-encoded request, each at most once; one sent without a value counts as not sent (RFC 6749 §3.2). */
export async function readForm(request: HttpRequest): Promise<ReadonlyMap<string, string>> {
  assertMediaType(request, 'application/x-www-form-urlencoded');
  const text = await readText(request);
  const parameters = new Map<string, string>();
  const seen = new Set<string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (seen.has(name)) {
      throw new Refusal('invalid_request', { description: `${safeName(name)} is given more than once` });
    }
    seen.add(name);
    if (seen.size > MOST_PARAMETERS) {
      throw new Refusal('invalid_request', { description: 'there are too many parameters' });
    }
    if (value !== '') parameters.set(name, value);
  }
  return parameters;
}

/** A JSON object. @throws Refusal `unsupported_media_type`, `payload_too_large` or `invalid_parameter` */
export async function readJson(request: HttpRequest): Promise<Readonly<Record<string, unknown>>> {
  assertMediaType(request, 'application/json');
  const value = parse(await readText(request));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Refusal('invalid_parameter', { description: 'the body must be a JSON object' });
  }
  return { ...value };
}

/** Also what keeps other sites' forms out: a browser sends this type across sites only after asking (Fetch, CORS preflight). */
export function assertMediaType(request: HttpRequest, expected: string): void {
  const [type = ''] = (request.headers.get('content-type') ?? '').split(';');
  if (type.trim().toLowerCase() !== expected) {
    throw new Refusal('unsupported_media_type', { description: `the body must be ${expected}` });
  }
}

async function readText(request: HttpRequest): Promise<string> {
  if (Number(request.headers.get('content-length') ?? '0') > MOST_BYTES) throw tooLarge();
  const text = await request.text();
  if (Buffer.byteLength(text, 'utf8') > MOST_BYTES) throw tooLarge();
  return text;
}

function tooLarge(): Refusal {
  return new Refusal('payload_too_large', {
    description: `the body must not be larger than ${MOST_BYTES} bytes`,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal('invalid_parameter', { description: 'the body is not valid JSON' });
  }
}

/** A parameter's name is the caller's text too: only a plain word is repeated. */
function safeName(name: string): string {
  return /^[\w.-]{1,40}$/.test(name) ? name : 'a parameter';
}
