import type { Environment } from '../config.js';
import type { PolicyDocument } from './document.js';

/** Long enough for every check, and no secret of anybody. */
const ASSUMED = 'assumed'.repeat(8);

/** Every setting a document names, as if it were there: for reading a policy where its settings are not. */
export function assumedSettings({ resources, clients }: PolicyDocument): Environment {
  const ofResources = Object.values(resources).map((entry) =>
    'facade' in entry ? entry.facade?.secretSetting : undefined,
  );
  const ofClients = Object.values(clients).flatMap(({ auth }) => auth.secretSetting);
  const names = [...ofResources, ...ofClients].filter((name) => name !== undefined);
  return { BROKER_CLIENT_CERTIFICATES: 'true', ...Object.fromEntries(names.map((name) => [name, ASSUMED])) };
}
