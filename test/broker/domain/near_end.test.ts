import { expect, it } from 'vitest';
import { isNearEnd } from '../../../shared/domain/near_end.js';

it.each([
  ['before its window', 3600, 600, 2999, false],
  ['in its window', 3600, 600, 3000, true],
  ['at its end', 3600, 600, 3600, true],
  ['in the first half of a life shorter than two windows', 60, 600, 29, false],
  ['in the second half of it', 60, 600, 30, true],
])('a token is near its end: %s', (_, life, windowSeconds, after, near) => {
  expect(
    isNearEnd({ obtainedAt: 1000, expiresAt: 1000 + life * 1000 }, windowSeconds, 1000 + after * 1000),
  ).toBe(near);
});
