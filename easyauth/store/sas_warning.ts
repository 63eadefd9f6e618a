import type { Settings } from '../config/settings.js';
import type { Log } from '../log.js';

/** Says at start what a container SAS itself tells: that it has ended, or what it does not permit. */
export function warnOfSas({ tokenContainer }: Settings, now: number, log: Log): void {
  if (tokenContainer?.kind !== 'sas') return;
  const { setting, reveal } = tokenContainer.sas;
  const { searchParams } = new URL(reveal());
  const end = Date.parse(searchParams.get('se') ?? '');
  if (end <= now) log('error', 'the SAS of the token store has ended', { setting });
  const permitted = searchParams.get('sp');
  const missing = [...'rwdl'].filter((letter) => permitted !== null && !permitted.includes(letter));
  if (missing.length > 0)
    log('warn', 'the SAS of the token store lacks permissions', { setting, missing: missing.join('') });
}
