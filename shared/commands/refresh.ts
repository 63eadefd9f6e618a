import type { OperateUpkeep } from '../flows/operate_upkeep.js';
import { readArguments } from './arguments.js';
import { type Command, commandOf, type Subcommand, UsageFault } from './command.js';
import {
  eventLines,
  guardLines,
  quarantineLines,
  reapLines,
  retryLine,
  statusLines,
} from './refresh_text.js';

const JSON_OPTION = { json: { type: 'boolean', default: false } } as const;
const DRY_RUN = { ...JSON_OPTION, 'dry-run': { type: 'boolean', default: false } } as const;

/** `npm run refresh`: what runs unattended, seen and steered by hand. */
export function createRefreshCommand(open: () => OperateUpkeep): Command {
  return commandOf('refresh', [
    plain('status', 'shows whether the timer runs, what is due, and what is in trouble', async () => {
      const status = await open().status();
      return { value: status, lines: statusLines(status), bad: false };
    }),
    {
      name: 'run',
      synopsis: '[--dry-run] [--json]',
      summary: 'does one run of the timer here; --dry-run says how many are due and asks nobody',
      async run({ args, print }) {
        const { values, positionals } = readArguments(args, DRY_RUN);
        takeNone(positionals);
        const dryRun = values['dry-run'];
        const connections = dryRun ? await open().preview() : await open().run();
        const line = dryRun
          ? `${connections} connections are due (dry run)`
          : `${connections} connections worked on`;
        show(print, values.json, { value: { connections, dryRun }, lines: [line] });
        return 0;
      },
    },
    named('retry', 'GRANT', "tries a grant's connection now, whatever wait it is in", async (grantId) => {
      const outcome = await open().retry(grantId);
      const failed = outcome.kind !== 'tried' || outcome.state !== 'active' || outcome.failures.length > 0;
      return { value: outcome, lines: [retryLine(outcome)], bad: failed };
    }),
    {
      name: 'quarantine',
      synopsis: 'list | release ID',
      summary: 'lists what was set aside because it could not be worked on; release tries one again at once',
      run: choose({
        list: async () => {
          const entries = await open().quarantined();
          return { value: entries, lines: quarantineLines(entries), bad: false };
        },
        release: async (id) => {
          const released = await open().release(id);
          const line = released ? 'released: the next run tries it' : 'there is no such entry';
          return { value: { released }, lines: [line], bad: !released };
        },
      }),
    },
    {
      name: 'reap',
      synopsis: '[--dry-run] [--json]',
      summary: 'goes on with the daily round; --dry-run looks at everything and changes nothing',
      async run({ args, print }) {
        const { values, positionals } = readArguments(args, DRY_RUN);
        takeNone(positionals);
        const report = await open().reap(values['dry-run']);
        show(print, values.json, { value: report, lines: reapLines(report, values['dry-run']) });
        return 0;
      },
    },
    {
      name: 'guard',
      synopsis: 'show | confirm | clear PROVIDER',
      summary: 'too many deaths at once: confirm believes them for a day, clear counts anew',
      run: choose({
        show: guardStep(open, 'show'),
        confirm: guardStep(open, 'confirm'),
        clear: guardStep(open, 'clear'),
      }),
    },
    {
      name: 'events',
      synopsis: 'list | revive ID',
      summary: 'lists events that could not be delivered; revive sends one again',
      run: choose({
        list: async () => {
          const entries = await open().givenUp();
          return { value: entries, lines: eventLines(entries), bad: false };
        },
        revive: async (id) => {
          const revived = await open().revive(id);
          const line = revived ? 'it is on its way again' : 'there is no such event, or it was not given up';
          return { value: { revived }, lines: [line], bad: !revived };
        },
      }),
    },
  ]);
}

/** Longer than any option. */
const LEAST_ID = 20;

/** One id in 64 begins with a hyphen, and is no option for that. */
function idsLast(args: readonly string[]): readonly string[] {
  const isId = (word: string) => word.startsWith('-') && word.length >= LEAST_ID;
  const ids = args.filter(isId);
  return ids.length === 0 ? args : [...args.filter((word) => !isId(word) && word !== '--'), '--', ...ids];
}

interface Shown {
  readonly value: unknown;
  readonly lines: readonly string[];
  readonly bad: boolean;
}

function show(print: (line: string) => void, json: boolean, shown: Omit<Shown, 'bad'>): void {
  for (const line of json ? [JSON.stringify(shown.value, null, 2)] : shown.lines) print(line);
}

function takeNone(words: readonly string[]): void {
  if (words.length > 0) throw new UsageFault('there is a word too many');
}

function plain(name: string, summary: string, run: () => Promise<Shown>): Subcommand {
  return {
    name,
    synopsis: '[--json]',
    summary,
    async run({ args, print }) {
      const { values, positionals } = readArguments(idsLast(args), JSON_OPTION);
      takeNone(positionals);
      const shown = await run();
      show(print, values.json, shown);
      return shown.bad ? 1 : 0;
    },
  };
}

function named(
  name: string,
  what: string,
  summary: string,
  run: (word: string) => Promise<Shown>,
): Subcommand {
  return {
    name,
    synopsis: `${what} [--json]`,
    summary,
    async run({ args, print }) {
      const { values, positionals } = readArguments(idsLast(args), JSON_OPTION);
      const [word, ...more] = positionals;
      if (word === undefined) throw new UsageFault(`${what} is missing`);
      takeNone(more);
      const shown = await run(word);
      show(print, values.json, shown);
      return shown.bad ? 1 : 0;
    },
  };
}

type Step = (word: string) => Promise<Shown>;

/** `list` stands alone; every other step wants to know which. */
function choose(steps: Readonly<Record<string, Step>>): Command {
  return async ({ args, print }) => {
    const { values, positionals } = readArguments(idsLast(args), JSON_OPTION);
    const [chosen = '', word, ...more] = positionals;
    const step = Object.hasOwn(steps, chosen) ? steps[chosen] : undefined;
    if (!step) throw new UsageFault(`say one of: ${Object.keys(steps).join(', ')}`);
    if (chosen !== 'list' && word === undefined) throw new UsageFault(`${chosen} which one?`);
    takeNone(chosen === 'list' && word !== undefined ? [word] : more);
    const shown = await step(word ?? '');
    show(print, values.json, shown);
    return shown.bad ? 1 : 0;
  };
}

function guardStep(open: () => OperateUpkeep, does: 'show' | 'confirm' | 'clear'): Step {
  return async (provider) => {
    const state = await open().guard(provider, does);
    return { value: state, lines: guardLines(provider, state), bad: state.holdingSince !== undefined };
  };
}
