import { type Environment, isSafeAddress, type Reader } from './reader.js';

/** Reached with a connection string, or with the app's identity. */
export type TablesPlace = { readonly connectionString: string } | { readonly endpoint: string };

/** Where the broker's own rows are. */
export function readTables(env: Environment, read: Reader, problems: string[]): TablesPlace {
  const { BROKER_TABLES_CONNECTION_STRING: connectionString, BROKER_TABLES_ENDPOINT: endpoint } = env;
  if (exactlyOne(['BROKER_TABLES_CONNECTION_STRING', 'BROKER_TABLES_ENDPOINT'], env, problems)) {
    if (connectionString && !isConnectionString(connectionString)) {
      problems.push('BROKER_TABLES_CONNECTION_STRING is not a storage connection string');
    }
    if (connectionString) return { connectionString };
    if (endpoint) return { endpoint: read.address('BROKER_TABLES_ENDPOINT') };
  }
  return { connectionString: '' };
}

function isConnectionString(text: string): boolean {
  return /(^|;)(TableEndpoint|AccountName|UseDevelopmentStorage)=/i.test(text);
}

/** What is set for it, else the host's own account as the platform names it; undefined where there is neither. */
export function readSpill(env: Environment, read: Reader, problems: string[]): TablesPlace | undefined {
  const { BROKER_SPILL_TABLES_CONNECTION_STRING: connectionString, BROKER_SPILL_TABLES_ENDPOINT: endpoint } =
    env;
  if (connectionString && endpoint) {
    problems.push(
      'at most one of BROKER_SPILL_TABLES_CONNECTION_STRING and BROKER_SPILL_TABLES_ENDPOINT may be set',
    );
  }
  if (endpoint) return { endpoint: read.address('BROKER_SPILL_TABLES_ENDPOINT') };
  if (connectionString && !isConnectionString(connectionString)) {
    problems.push('BROKER_SPILL_TABLES_CONNECTION_STRING is not a storage connection string');
  }
  if (connectionString) return { connectionString };
  const { AzureWebJobsStorage: host, AzureWebJobsStorage__accountName: account } = env;
  const address = env.AzureWebJobsStorage__tableServiceUri;
  if (host && isConnectionString(host)) return { connectionString: host };
  if (address && isSafeAddress(address)) return { endpoint: address };
  return account && /^[a-z0-9]{3,24}$/.test(account)
    ? { endpoint: `https://${account}.table.core.windows.net` }
    : undefined;
}

export function exactlyOne(names: readonly [string, string], env: Environment, problems: string[]): boolean {
  const given = names.filter((name) => env[name]);
  if (given.length !== 1) problems.push(`exactly one of ${names.join(' and ')} must be set`);
  return given.length === 1;
}
