import { encodeCursor } from './cursor.js';
import type { StoredRow, TablePage } from './table.js';

export interface Collected {
  readonly rows: readonly StoredRow[];
  /** Present when there may be more. */
  readonly cursor?: string;
}

/** Table Storage may return short or empty pages with more behind them: reads on until `limit` rows are found or there are no more. */
export async function collect(
  limit: number,
  page: (options: { size: number; continuation?: string }) => Promise<TablePage>,
): Promise<Collected> {
  const rows: StoredRow[] = [];
  let continuation: string | undefined;
  do {
    const next = await page({ size: limit - rows.length, ...(continuation ? { continuation } : {}) });
    rows.push(...next.rows);
    continuation = next.continuation;
  } while (continuation !== undefined && rows.length < limit);
  const last = rows.at(-1);
  const more = continuation !== undefined && last !== undefined;
  return { rows, ...(more ? { cursor: encodeCursor(last.row) } : {}) };
}
