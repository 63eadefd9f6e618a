import type { RpcTypedData } from '../app/core_types.js';
import type { QueueConfig } from '../app/host_json.js';
import { isObject } from '../app/json_file.js';

type Encoding = QueueConfig['messageEncoding'];

const base64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The text of a stored message; undefined when it is not in the configured encoding. */
export function decodeMessage(stored: string, encoding: Encoding): string | undefined {
  if (encoding === 'none') return stored;
  const compact = stored.replace(/[ \t\r\n]/g, '');
  return base64.test(compact) ? Buffer.from(compact, 'base64').toString('utf8') : undefined;
}

/** How a message is stored. */
export function encodeMessage(content: string | Uint8Array, encoding: Encoding): string {
  const bytes = Buffer.from(content);
  return bytes.toString(encoding === 'none' ? 'utf8' : 'base64');
}

/**
 * The messages an output binding's value stands for: none for nothing, one for each member of an array, else one. Texts and
 * bytes go as they are, anything else as JSON.
 */
export function outputMessages(data: RpcTypedData | null | undefined): (string | Uint8Array)[] {
  if (!data) return [];
  if (data.bytes) return [data.bytes];
  if (data.string !== undefined) return [data.string];
  if (data.json === undefined) {
    const number = data.int ?? data.double;
    return number === undefined ? [] : [String(number)];
  }
  const value: unknown = JSON.parse(data.json);
  const items = Array.isArray(value) ? value : [value];
  return items
    .filter((item) => item !== null && item !== undefined)
    .map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
}

/**
 * The trigger metadata of a message. The members of a JSON message are among it and win over the built-in names, ignoring
 * case, as on Azure; so it must not be trusted.
 */
export function messageMetadata(
  text: string,
  builtIn: Readonly<Record<string, RpcTypedData>>,
): Record<string, RpcTypedData> {
  const members = Object.entries(parseObject(text));
  const taken = new Set(members.map(([name]) => name.toLowerCase()));
  const metadata: Record<string, RpcTypedData> = Object.create(null);
  for (const [name, value] of Object.entries(builtIn)) {
    if (!taken.has(name.toLowerCase())) metadata[name] = value;
  }
  for (const [name, value] of members) {
    metadata[name] = typeof value === 'string' ? { string: value } : { json: JSON.stringify(value) };
  }
  return metadata;
}

function parseObject(text: string): Record<string, unknown> {
  if (!text.trimStart().startsWith('{')) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}
