const DATE = /^\d{4}-\d{2}-\d{2}(T[0-9:.]+Z)?$/;

/** When something ends, as a setting says it (`2027-01-31`, or with a time in UTC), ms; undefined where that is no date. */
export function expiryDate(text: string): number | undefined {
  const at = DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? undefined : at;
}
