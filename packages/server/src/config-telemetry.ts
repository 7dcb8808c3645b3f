/** What the operator configures about watching the service: what it writes, and in which shape. */

import { expected, ok, text } from './config-values.js';
import type { LogFormat } from './log-format.js';

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LEVELS)[number];

export interface TelemetryConfig {
  readonly logLevel: LogLevel;
  /** `pretty` is for people at a terminal; programs read `json`. */
  readonly logFormat: LogFormat;
}

export const DEFAULT_TELEMETRY: TelemetryConfig = { logLevel: 'info', logFormat: 'json' };

const FORMATS: readonly LogFormat[] = ['json', 'pretty'];

export const TELEMETRY_VARIABLES = {
  LOG_LEVEL: text(DEFAULT_TELEMETRY.logLevel, (value) => readOne(LEVELS, value)),
  LOG_FORMAT: text(DEFAULT_TELEMETRY.logFormat, (value) => readOne(FORMATS, value)),
};

function readOne<T extends string>(
  known: readonly T[],
  value: string,
): ReturnType<typeof ok<T>> | ReturnType<typeof expected> {
  const one = known.find((name) => name === value.toLowerCase());
  return one === undefined ? expected(`one of ${known.join(', ')}`, value) : ok(one);
}

export function telemetryOf(values: {
  readonly LOG_LEVEL: LogLevel;
  readonly LOG_FORMAT: LogFormat;
}): TelemetryConfig {
  return { logLevel: values.LOG_LEVEL, logFormat: values.LOG_FORMAT };
}
