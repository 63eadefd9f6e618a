export { readSettings } from './config/read.js';
export { ConfigError } from './errors.js';
export { type Gateway, type GatewayOptions, startGateway } from './gateway.js';
export { createConsoleLog, type Log, type LogFields, type LogLevel } from './log.js';
