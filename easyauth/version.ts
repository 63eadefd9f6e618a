/** The version of the Easy Auth contract this gateway speaks, as `/.auth/version` reports it for runtime `~1`. */
export const version = '1.0.0';
