import { describe, expect, it } from 'vitest';
import { createDirectory } from '../../../local/identity_provider/directory/directory.js';
import { checkDirectory, DirectoryError } from '../../../local/identity_provider/directory/load.js';
import { BROKER, directory } from '../support/directory.js';
import { CALLBACK, socialDirectory } from '../support/social.js';

function problemsOf(value: unknown): readonly string[] {
  try {
    checkDirectory(value);
    return [];
  } catch (error) {
    if (error instanceof DirectoryError) return error.problems;
    throw error;
  }
}

describe('the social member of the directory file', () => {
  it('is taken when whole, and may be absent', () => {
    expect(problemsOf(socialDirectory)).toEqual([]);
    expect(problemsOf({ ...directory, social: { apps: [] } })).toEqual([]);
    expect(createDirectory(checkDirectory(directory)).file.social).toBeUndefined();
  });

  it('is refused with every problem of shape, by place and never by value', () => {
    const apps = [
      { personality: 'canary', client_id: 'a', redirect_uris: [CALLBACK] },
      { personality: 'google', client_id: 'b', secret: 7, redirect_uris: [] },
      {
        personality: 'google',
        client_id: 'c',
        secret: 's',
        redirect_uris: [CALLBACK],
        options: { canary: true },
      },
    ];
    const problems = problemsOf({
      ...directory,
      social: { users: [{ oid: 'x', handle: '-canary-' }], apps },
    });
    expect(problems).toEqual(
      expect.arrayContaining([
        expect.stringContaining('social/apps/0/personality must be equal to one of'),
        expect.stringContaining('social/apps/1/secret must be string'),
        expect.stringContaining('social/apps/1/redirect_uris must NOT have fewer than 1 items'),
        expect.stringContaining('social/apps/2/options must NOT have additional properties'),
        expect.stringContaining('social/users/0/handle must match pattern'),
      ]),
    );
    expect(problems.join().replaceAll('(canary)', '')).not.toContain('canary');
  });

  it('is refused for every problem between entries', () => {
    const uris = { redirect_uris: [CALLBACK] };
    const apps = [
      { personality: 'google', client_id: 'a', ...uris },
      { personality: 'google', client_id: 'A', secret: 's', redirect_uris: ['http://evil.test/'] },
      { personality: 'apple', client_id: 'b', secret: 's', ...uris },
      {
        personality: 'apple',
        client_id: 'c',
        team_id: 't',
        key_id: 'k',
        public_key: '-----BEGIN PUBLIC KEY-----x',
        ...uris,
      },
      { personality: 'github', client_id: BROKER, secret: 's', team_id: 't', ...uris },
      { personality: 'github', client_id: 'd', secret: 's', options: { testing: true }, ...uris },
    ];
    const [first] = directory.users;
    const users = [{ oid: 'nobody' }, { oid: first?.oid, handle: 'x' }, { oid: first?.oid, handle: 'X' }];
    expect(problemsOf({ ...directory, social: { users, apps } })).toEqual([
      'social/users/0/oid is not the oid of a user',
      'social/users/2/oid repeats social/users/1/oid',
      'social/users/2/handle repeats social/users/1/handle',
      'social/apps/1/client_id repeats social/apps/0/client_id',
      'social/apps/4/client_id is that of an Entra app',
      'social/apps/0 must have secret',
      'social/apps/1/redirect_uris/0 is plain http and not a loopback address',
      'social/apps/2 must have public_key',
      'social/apps/2 must have key_id',
      'social/apps/2 must have team_id',
      'social/apps/2/secret is not used by apple, whose apps sign theirs',
      'social/apps/3/public_key is not a public key on P-256',
      'social/apps/4/team_id is for apple only',
      'social/apps/5/options/testing is for google only',
    ]);
  });
});
