/**
 * Whether a token should have been renewed by now: its last window has begun, or, where the window is longer than half its life, its second
 * half. Times in ms.
 */
export function isNearEnd(
  { obtainedAt, expiresAt }: { readonly obtainedAt: number; readonly expiresAt: number },
  windowSeconds: number,
  now: number,
): boolean {
  const window = Math.min(windowSeconds * 1000, (expiresAt - obtainedAt) / 2);
  return now >= expiresAt - window;
}
