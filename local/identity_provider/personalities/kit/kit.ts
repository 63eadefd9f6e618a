import type { Core } from '../../core.js';
import type { Personality, SocialApp } from '../../directory/social.js';
import { createPeople, type People } from './people.js';
import { sameText } from './text.js';

/** What every personality beside Entra stands on. */
export type Kit = Readonly<{
  core: Core;
  people: People;
  /** The app of that client id at that personality. */
  app: (personality: Personality, clientId: string | undefined) => SocialApp | undefined;
}>;

/** Builds the look-ups over the `social` member of the directory file; without one there are no apps. */
export function createKit(core: Core): Kit {
  const apps = core.directory.file.social?.apps ?? [];
  const byId = new Map(apps.map((app) => [`${app.personality} ${app.client_id}`, app]));
  return {
    core,
    people: createPeople(core.directory),
    app: (personality, clientId) => byId.get(`${personality} ${clientId}`),
  };
}

/** Base address of a personality, without a trailing slash. */
export function baseOf({ core }: Kit, personality: Personality): string {
  return `${core.baseUrl}/${personality}`;
}

/** Whether that is the secret of the app; never for an app without one. */
export function hasSecret(app: SocialApp, given: string | undefined): boolean {
  return app.secret !== undefined && given !== undefined && sameText(app.secret, given);
}
