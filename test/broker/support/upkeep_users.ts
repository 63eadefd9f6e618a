import type { Subject } from '../../../shared/domain/subject.js';
import type { Bench } from './bench.js';
import { GRAPH, someone } from './samples.js';
import { refreshTokenOf } from './scripted_provider.js';

/** People with grants on a bench that may be another for each test, and what became of their upkeep. */
export function upkeepUsers(current: () => Bench) {
  async function user(resource = GRAPH, scope = ['Mail.Read']): Promise<Subject> {
    const subject = someone('user');
    await current().createGrant({
      subject,
      clientId: 'nightly-report',
      resource,
      scope,
      expiresInSeconds: undefined,
      refreshToken: refreshTokenOf(subject),
      correlationId: 'c',
    });
    return subject;
  }

  /** Users with a mail grant, whose tokens have just been got. */
  async function users(count: number): Promise<Subject[]> {
    const made: Subject[] = [];
    for (let index = 0; index < count; index++) made.push(await user());
    await current().tick();
    current().provider.calls.length = 0;
    return made;
  }

  const asked = (subject: Subject) =>
    current().provider.calls.filter(({ refreshToken }) => refreshToken.startsWith(`rt.${subject.id}.`))
      .length;
  const connection = async (subject: Subject) => (await current().connections.find(subject))?.value;
  const tokenOf = (subject: Subject) =>
    current().connections.keptToken(subject, { resource: GRAPH, scope: ['Mail.Read'] });

  return { user, users, asked, connection, tokenOf };
}
