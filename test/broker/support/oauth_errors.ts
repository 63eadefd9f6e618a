import { expect } from 'vitest';
import type { Answer, TestBroker } from './broker.js';

/** RFC 6749 §5.2: the form of every refusal. */
export function expectError(answer: Answer, error: string, status = 400): void {
  expect(answer.body).toMatchObject({ error, error_description: expect.any(String) });
  expect(answer.status).toBe(status);
  expect(answer.headers).toMatchObject({ 'cache-control': 'no-store', pragma: 'no-cache' });
  // RFC 6749 §5.2: no control characters, quotes or backslashes.
  expect(answer.body.error_description).toMatch(/^[\x20\x21\x23-\x5b\x5d-\x7e]+$/);
}

/** The audit rows of the request that was answered so. */
export async function recordOf(test: TestBroker, answer: Answer) {
  const id = answer.headers['x-correlation-id'];
  return (await test.audited('token.refused')).filter(({ correlationId }) => correlationId === id);
}
