/** The service as a library: for embedding it and for tests. */

export {
  readConfig,
  DEFAULT_CONFIG,
  VARIABLE_NAMES,
  type ProcessConfig,
  type ServerConfig,
} from './config.js';
export type { LogLevel, TelemetryConfig } from './config-telemetry.js';
export { LOG_EVENTS, type Log } from './log-events.js';
export { DEFAULT_ACCESS, hasCallers, type AccessConfig } from './config-access.js';
export { startServer, type RunningServer, type ServerOptions } from './server.js';
export { describeRoutes, ROUTES } from './routes/table.js';
export type { Route } from './route.js';
