/**
 * OData filters from checked parts. The SDK's `odata` tag interpolates arrays and objects raw and leaves some strings
 * unquoted; here a value can only ever become a quoted literal.
 */
export type Comparison = 'eq' | 'ge' | 'gt' | 'le' | 'lt';

const PROPERTY = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function compare(property: string, comparison: Comparison, value: string): string {
  if (!PROPERTY.test(property)) throw new TypeError('not a property name');
  if (typeof value !== 'string') throw new TypeError(`${property} must be compared with a string`);
  return `${property} ${comparison} '${value.replaceAll("'", "''")}'`;
}

export function all(...conditions: readonly string[]): string {
  return conditions.join(' and ');
}
