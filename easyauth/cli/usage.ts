export const verbs = ['serve', 'validate', 'update'] as const;
export type Verb = (typeof verbs)[number];

const configOption = `  --config FILE       authsettingsV2 as JSON, wrapped in "properties" or bare
                      (else WEBSITE_AUTH_V2_CONFIG_JSON, else WEBSITE_AUTH_FROM_FILE with WEBSITE_AUTH_FILE_PATH)`;
const compatOption = `  --compat NAME=V     a named compatibility option, repeatable     EASYAUTH_COMPAT (between commas)`;

const serve = `Easy Auth in front of any app.

  easyauth [--config auth.json] --upstream http://localhost:7071 [options]
  easyauth validate [auth.json]        say what the configuration means, or everything wrong with it
  easyauth update [auth.json] --token-refresh-extension-hours N
                                       change a setting in the file
  easyauth VERB --help                 more about one of them

Options
${configOption}
  --upstream URL      the app                                      EASYAUTH_UPSTREAM
  --port N            where to listen, default 8080, 0 = any       EASYAUTH_PORT
  --workers N         processes that serve, default one a core,    EASYAUTH_WORKERS
                      four at most
  --state DIR         keys and tokens, default .easyauth           WEBSITE_AUTH_STATE_DIRECTORY
${compatOption}
  --log LEVEL         off, error, warn, info (default), trace      WEBSITE_AUTH_TRACE_LEVEL
                      trace tells every request: how it was judged and where it went
  --log-format FORM   human (default) or json, one object a line   EASYAUTH_LOG_FORMAT
  --help

Tokens are kept in the state directory, or in a blob container when the configuration names one
(login.tokenStore.azureBlobStorage: sasUrlSettingName or blobContainerUri; WEBSITE_AUTH_TOKEN_CONTAINER_SASURL).
Entries that no session can use any more are pruned; EASYAUTH_PRUNE_AFTER_HOURS sets after how many hours, 0 never.

Compatibility options and what each decides: docs/easyauth-compatibility.md; easyauth validate shows their values.

Secrets come from the environment only: each ...SettingName in the configuration names a variable.
`;

const validate = `Say what the configuration means, or everything that is wrong with it. Nothing is started.

  easyauth validate [auth.json] [options]

Options
${configOption}
${compatOption}
  --help

Prints warnings first. Exit code 0: good; 1: refused, each problem listed by its path.
Secrets are looked up in the environment, so run it where the gateway will run.
`;

const update = `Change a setting of the configuration file, in place.

  easyauth update [auth.json] --token-refresh-extension-hours N [--config FILE]

Options
  --token-refresh-extension-hours N
                      how long after the end of a session /.auth/refresh still renews it: hours, zero or more,
                      fractions allowed, default 72. Written to login.tokenStore.tokenRefreshExtensionHours
${configOption}
  --help

Nothing else in the file changes: not its layout, not its other members, not its wrapping. The file is replaced as
a whole or not at all. A running gateway reads its configuration at start: restart it.
`;

/** What `--help` prints for a verb. */
export const usage: Readonly<Record<Verb, string>> = { serve, validate, update };
