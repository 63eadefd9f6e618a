import type { Core } from '../core.js';
import type { Route } from '../http/router.js';
import { socialAdminRoutes } from './admin.js';
import { appleRoutes } from './apple/routes.js';
import { facebookRoutes } from './facebook/routes.js';
import { githubRoutes } from './github/routes.js';
import { googleRoutes } from './google/routes.js';
import { createKit } from './kit/kit.js';
import { twitterRoutes } from './twitter/routes.js';
import { xRoutes } from './x2/routes.js';

/** The personalities beside Entra, each under its own path prefix, and their knobs. */
export function personalityRoutes(core: Core): readonly Route[] {
  const kit = createKit(core);
  return [
    ...socialAdminRoutes(kit),
    ...googleRoutes(kit),
    ...facebookRoutes(kit),
    ...twitterRoutes(kit),
    ...xRoutes(kit),
    ...githubRoutes(kit),
    ...appleRoutes(kit),
  ];
}
