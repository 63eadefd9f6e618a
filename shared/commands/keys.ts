import type { KeyState } from '../domain/signing_keys.js';
import type { Rewrap, RewrapReport } from '../flows/rewrap.js';
import type { KeyListing, RetirementOutcome, RotateKeys, RotationOutcome } from '../flows/rotate_keys.js';
import { readArguments } from './arguments.js';
import { type Command, commandOf, UsageFault } from './command.js';

const DRY_RUN = { 'dry-run': { type: 'boolean', default: false } } as const;

/** What the command works with; opened by the part that runs. */
export type KeyOperations = RotateKeys & { readonly rewrap: Rewrap };

/** `npm run keys`: the keys that minted tokens are signed with, and the vault's key that everything lies sealed under. */
export function createKeysCommand(open: () => KeyOperations): Command {
  return commandOf('keys', [
    {
      name: 'list',
      synopsis: '',
      summary: 'shows every signing key, and where it stands in its life',
      async run({ args, print }) {
        assertNone(readArguments(args, {}).positionals);
        for (const line of listLines(await open().list())) print(line);
        return 0;
      },
    },
    {
      name: 'rotate',
      synopsis: '[--dry-run]',
      summary: 'adds a key, which signs a quarter of an hour after it is published',
      async run({ args, print }) {
        const { values, positionals } = readArguments(args, DRY_RUN);
        assertNone(positionals);
        print(rotationLine(await open().rotate({ dryRun: values['dry-run'] })));
        return 0;
      },
    },
    {
      name: 'rewrap',
      synopsis: '[--dry-run]',
      summary: "seals everything anew under the newest version of the vault's key, while the broker runs",
      async run({ args, print }) {
        const { values, positionals } = readArguments(args, DRY_RUN);
        assertNone(positionals);
        const report = await open().rewrap({ dryRun: values['dry-run'] });
        for (const line of rewrapLines(report, values['dry-run'])) print(line);
        return report.busy + report.unreadable + report.spilled === 0 ? 0 : 1;
      },
    },
    {
      name: 'retire',
      synopsis: 'KID [--compromised] [--dry-run]',
      summary: 'withdraws a key; --compromised also one whose tokens live, which end with it',
      async run({ args, print }) {
        const options = { ...DRY_RUN, compromised: { type: 'boolean', default: false } } as const;
        const { values, positionals } = readArguments(args, options);
        const [kid, ...more] = positionals;
        if (kid === undefined) throw new UsageFault('KID is missing: see `list`');
        assertNone(more);
        const { compromised, 'dry-run': dryRun } = values;
        const outcome = await open().retire(kid, { compromised, dryRun });
        print(retirementLine(outcome));
        return DONE.has(outcome.kind) ? 0 : 1;
      },
    },
  ]);
}

const DONE: ReadonlySet<RetirementOutcome['kind']> = new Set(['retired', 'would_retire', 'already']);

function assertNone(words: readonly string[]): void {
  if (words.length > 0) throw new UsageFault('there is a word too many');
}

function listLines(keys: KeyListing): readonly string[] {
  if (keys.length === 0) return ['no key yet: the first token to be minted makes one'];
  return keys.map(({ kid, createdAt, state }) => `${kid}  made ${time(createdAt)}  ${stateText(state)}`);
}

function stateText(state: KeyState): string {
  switch (state.kind) {
    case 'signing':
      return 'signs';
    case 'coming':
      return `published, signs from ${time(state.signsFrom)}`;
    case 'superseded':
      return `superseded, published until ${time(state.neededUntil)}`;
    case 'past':
      return 'superseded, no longer published';
    case 'retired':
      return `retired ${time(state.at)}`;
  }
}

function rewrapLines(report: RewrapReport, dryRun: boolean): readonly string[] {
  const { key, moved, already, busy, unreadable, spilled } = report;
  return [
    `${moved} rows ${dryRun ? 'would be sealed anew (dry run)' : 'sealed anew'}, ${already} were under ${key} already`,
    ...(busy > 0 ? [`${busy} rows are in use: run this again`] : []),
    ...(spilled > 0
      ? [`${spilled} credentials wait in the second place: run this again once they are restored`]
      : []),
    ...(unreadable > 0 ? [`${unreadable} rows cannot be read, and were left as they are`] : []),
  ];
}

function rotationLine(outcome: RotationOutcome): string {
  switch (outcome.kind) {
    case 'added':
      return `added ${outcome.kid}: published now, signs from ${time(outcome.signsFrom)}`;
    case 'would_add':
      return 'a key would be added (dry run)';
    case 'under_way':
      return `${outcome.kid} was added already and signs from ${time(outcome.signsFrom)}: nothing to do`;
  }
}

function retirementLine(outcome: RetirementOutcome): string {
  switch (outcome.kind) {
    case 'retired':
      return 'retired: every instance has left it within a minute, and verifiers when their copy of /jwks ends';
    case 'would_retire':
      return 'the key would be retired (dry run)';
    case 'already':
      return 'the key is retired already';
    case 'unknown':
      return 'there is no such key';
    case 'only_key':
      return 'the key is the only one: rotate first';
    case 'signing':
      return 'the key signs: rotate first, or say --compromised';
    case 'coming':
      return 'the key is about to sign: say --compromised if it must go';
    case 'needed':
      return `tokens that it signed may live until ${time(outcome.until)}: wait, or say --compromised`;
  }
}

function time(at: number): string {
  return Number.isFinite(at) ? new Date(at).toISOString() : 'further notice';
}
