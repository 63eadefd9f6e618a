import { Refusal } from '../../domain/errors.js';

export interface Position {
  readonly partitionKey: string;
  readonly rowKey: string;
}

const KEY = /^[A-Za-z0-9_-]{1,100}$/;

/** A cursor is a position in a table, so it stays good while rows come in; it grants nothing beyond the query it is used with. */
export function encodeCursor(position: Position): string {
  return Buffer.from(`${position.partitionKey}.${position.rowKey}`, 'utf8').toString('base64url');
}

/** @throws Refusal `invalid_parameter` for anything that this module did not write. */
export function decodeCursor(cursor: string): Position {
  const [partitionKey = '', rowKey = '', ...rest] = Buffer.from(cursor, 'base64url')
    .toString('utf8')
    .split('.');
  if (rest.length > 0 || !KEY.test(partitionKey) || !KEY.test(rowKey)) {
    throw new Refusal('invalid_parameter', { description: 'cursor is not one this service gave out' });
  }
  return { partitionKey, rowKey };
}
