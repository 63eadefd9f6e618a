import { setTimeout as sleep } from 'node:timers/promises';
import type { HttpAnswer, HttpClient } from '../http_client.js';
import type { Row } from './table.js';

/** Header fields that prove to the service who calls, for one request to this path. */
export type Authorize = (path: string) => Promise<Readonly<Record<string, string>>>;

export interface BatchInsertOptions {
  /** The table service, without a slash at its end. */
  readonly endpoint: string;
  readonly authorize: Authorize;
  readonly http: HttpClient;
}

/** Inserts rows of one partition, all or none: false when a key is taken. @throws Error for everything else that is not an insert */
export type BatchInsert = (table: string, rows: readonly Row[]) => Promise<boolean>;

const DEADLINE_MS = 4000;
/** Before the second try and the third, ms. */
const PAUSES_MS = [100, 300];
const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const INT32 = 2 ** 31;
const BATCH = 'batch_of_rows';
const CHANGES = 'changes_of_batch';

/**
 * Entity-group transactions of inserts only, written without the SDK: it takes each row through a client of its own, which costs more than
 * all else that is done for the row, and the audit record makes this the busiest write there is.
 */
export function createBatchInsert({ endpoint, authorize, http }: BatchInsertOptions): BatchInsert {
  const url = `${endpoint}/$batch`;
  const path = new URL(url).pathname;
  const send = async (body: string): Promise<HttpAnswer> =>
    http({
      url,
      method: 'POST',
      headers: {
        ...(await authorize(path)),
        accept: 'application/json',
        'content-type': `multipart/mixed; boundary=${BATCH}`,
        'x-ms-version': '2019-02-02',
      },
      body,
      timeoutMs: DEADLINE_MS,
    });
  return async (table, rows) => {
    const body = bodyOf(`${endpoint}/${table}`, rows);
    for (const pause of PAUSES_MS) {
      const answer = await send(body).catch(() => undefined);
      if (answer && !isPassing(answer)) return wasInserted(answer, rows.length);
      await sleep(pause);
    }
    return wasInserted(await send(body), rows.length);
  };
}

/** Whether rows can be written as plain JSON: other numbers need a type beside them, which the SDK adds. */
export function isPlain(rows: readonly Row[]): boolean {
  return rows.every((row) =>
    Object.values(row).every(
      (value) => typeof value !== 'number' || (Number.isInteger(value) && Math.abs(value) < INT32),
    ),
  );
}

/** OData batch: one change set, whose parts are whole requests. Texts are JSON, which has no line break that could end a part. */
function bodyOf(tableUrl: string, rows: readonly Row[]): string {
  let parts = '';
  for (const { partitionKey, rowKey, ...columns } of rows) {
    const entity = JSON.stringify({ PartitionKey: partitionKey, RowKey: rowKey, ...columns });
    parts += `--${CHANGES}\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\nPOST ${tableUrl} HTTP/1.1\r\nAccept: application/json;odata=minimalmetadata\r\nContent-Type: application/json\r\nPrefer: return-no-content\r\nDataServiceVersion: 3.0;\r\n\r\n${entity}\r\n`;
  }
  return `--${BATCH}\r\nContent-Type: multipart/mixed; boundary=${CHANGES}\r\n\r\n${parts}--${CHANGES}--\r\n--${BATCH}--\r\n`;
}

function isPassing(answer: HttpAnswer): boolean {
  return PASSING.has(answer.status) || statusesOf(answer).some((status) => PASSING.has(status));
}

function wasInserted(answer: HttpAnswer, count: number): boolean {
  const statuses = statusesOf(answer);
  if (answer.status === 202 && statuses.length === count && statuses.every((status) => status < 300)) {
    return true;
  }
  const conflict = answer.status === 409 || statuses.includes(409);
  if (conflict && answer.body.includes('EntityAlreadyExists')) return false;
  throw new Error(`a transaction was answered with ${answer.status}, its parts with ${statuses.join(' ')}`);
}

/** What each part was answered with; one alone when the service refused them all for its sake. */
function statusesOf({ body }: HttpAnswer): number[] {
  return [...body.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status));
}
