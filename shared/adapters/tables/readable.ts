import { Unreadable } from '../../domain/errors.js';

/** What can be read, and how many cannot: one spoiled row must not hide the others. Whatever else goes wrong is thrown. */
export function readAll<R, T>(
  rows: readonly R[],
  read: (row: R) => T,
): { readonly items: readonly T[]; readonly unreadable: number } {
  const items = rows.flatMap((row) => {
    try {
      return [read(row)];
    } catch (error) {
      if (error instanceof Unreadable) return [];
      throw error;
    }
  });
  return { items, unreadable: rows.length - items.length };
}
