import { join } from 'node:path';
import { isObject, readJsonFile } from './json_file.js';
import type { Report } from './section.js';

/** What `local.settings.json` says beside its values. */
export interface LocalSettings {
  port: number | undefined;
}

/** Puts `Values` and `ConnectionStrings` of the app's `local.settings.json` into `env`; a variable already there wins. */
export function loadLocalSettings(appRoot: string, env: NodeJS.ProcessEnv, report: Report): LocalSettings {
  const name = 'local.settings.json';
  const file = readJsonFile(join(appRoot, name), name);
  if (file.problem) report.problem(file.problem);
  if (file.value === undefined) return { port: undefined };
  if (!isObject(file.value)) {
    report.problem(`${name} must be an object`);
    return { port: undefined };
  }
  if (file.value.IsEncrypted === true) report.problem(`${name} is encrypted: run "func settings decrypt"`);
  fill(env, '', file.value.Values, `${name}.Values`, report);
  fill(env, 'ConnectionStrings:', file.value.ConnectionStrings, `${name}.ConnectionStrings`, report);
  return { port: readHostSection(file.value.Host, name, report) };
}

function fill(env: NodeJS.ProcessEnv, prefix: string, values: unknown, path: string, report: Report): void {
  if (values === undefined) return;
  if (!isObject(values)) {
    report.problem(`${path} must be an object`);
    return;
  }
  for (const [key, value] of Object.entries(values)) {
    if (isObject(value) || Array.isArray(value)) report.problem(`${path}.${key} must be a string`);
    else if (value !== null) env[prefix + key] ??= String(value);
  }
}

function readHostSection(host: unknown, name: string, report: Report): number | undefined {
  if (!isObject(host)) return undefined;
  if (host.CORS !== undefined) report.warning(`${name}.Host.CORS is ignored: put a gateway in front`);
  if (host.LocalHttpPort === undefined) return undefined;
  const port = Number(host.LocalHttpPort);
  if (Number.isInteger(port) && port >= 0 && port <= 65535) return port;
  report.problem(`${name}.Host.LocalHttpPort must be a port number`);
  return undefined;
}

/** Replaces each `%NAME%` by that app setting. A name that is not set is a problem said of `what`; the text stays as it was. */
export function resolveSettings(text: string, env: NodeJS.ProcessEnv, what: string, report: Report): string {
  return text.replace(/%([^%]+)%/g, (whole, name: string) => {
    const value = env[name];
    if (value !== undefined) return value;
    report.problem(`${what}: %${name}% does not resolve, no app setting ${name}`);
    return whole;
  });
}

/** The storage connection string a binding's `connection` names: setting `AzureWebJobs<name>`, else `<name>`; default AzureWebJobsStorage. */
export function connectionString(connection: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  const name = connection || 'AzureWebJobsStorage';
  const found = env[`AzureWebJobs${name}`] ?? env[name] ?? env[`ConnectionStrings:${name}`];
  return found?.trim() || undefined;
}

/** Whether `AzureWebJobs.<name>.Disabled` (or with underscores) switches the function off. */
export function isDisabled(functionName: string, env: NodeJS.ProcessEnv): boolean {
  const value = env[`AzureWebJobs.${functionName}.Disabled`] ?? env[`AzureWebJobs_${functionName}_Disabled`];
  return value !== undefined && /^(true|1)$/i.test(value.trim());
}
