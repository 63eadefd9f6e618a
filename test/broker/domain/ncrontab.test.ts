import { describe, expect, it } from 'vitest';
import { longestGapSeconds } from '../../../shared/domain/ncrontab.js';

describe('the longest time between two runs of a timer', () => {
  it.each([
    ['0 * * * * *', 60],
    ['*/5 * * * * *', 5],
    ['* * * * *', 60],
    ['0 */7 * * * *', 420],
    ['30 0 * * * *', 3600],
    ['0 0,20 * * * *', 2400],
    ['0 0 9-17 * * *', 16 * 3600],
    ['0 0 17-9 * * *', 16 * 3600],
    ['0 30 9 * * Mon-Fri', 3 * 86_400],
    ['0 0 0 1 * *', 31 * 86_400],
    ['0 0 0 29 feb *', 4 * 366 * 86_400 - 3 * 86_400],
    ['0 0 0 * January *', (365 - 30 + 1) * 86_400],
    ['0 10/20 * * * *', 1200],
    ['0 0 0 13 * 5', 427 * 86_400],
    ['00:05:00', 300],
    ['1.00:00:00', 86_400],
  ])('of %s is %d s', (schedule, seconds) => {
    expect(longestGapSeconds(schedule)).toBe(seconds);
  });

  it.each([
    '',
    'soon',
    '0 60 * * * *',
    '0 * * * *  * *',
    '0 * * * * 7',
    '* * * L * *',
    '0 0 0 31 2 *',
    '00:00:00',
    '@daily',
    '0 */0 * * * *',
  ])('is unknown for %j', (schedule) => {
    expect(longestGapSeconds(schedule)).toBeUndefined();
  });
});
