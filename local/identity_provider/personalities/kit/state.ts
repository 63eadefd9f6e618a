import type { SocialState } from '../../social_state.js';
import type { StateData } from '../../state.js';
import type { Kit } from './kit.js';

const EMPTY: Readonly<SocialState> = { grants: {}, spent: {} };

/** What the personalities remember, to read. */
export function socialOf({ core }: Kit): Readonly<SocialState> {
  return core.store.read().social ?? EMPTY;
}

/** Changes what the personalities remember, at once; resolves when the change is on disk. */
export function changeSocial({ core }: Kit, edit: (social: SocialState) => void): Promise<void> {
  return core.store.change((data: StateData) => {
    data.social ??= { grants: {}, spent: {} };
    edit(data.social);
  });
}
