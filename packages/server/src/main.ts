/** The process: reads the configuration, starts the service, and ends it in good order. */

import closeWithGrace from 'close-with-grace';
import { LoglineError } from '@logline/federation-core';
import { hasCallers } from './config-access.js';
import { readConfig, type ProcessConfig } from './config.js';
import { createLog, logOptions } from './logging.js';
import { messageOf } from './problem.js';
import { startServer, type RunningServer } from './server.js';

const EXIT_BAD_CONFIGURATION = 2;
const EXIT_CANNOT_START = 1;
const STOP_MS = 9_500;

const config = configOrProblems();
if (config !== undefined) await run(config);

/** `undefined` where the configuration is not usable; the problems have been told then. */
function configOrProblems(): ProcessConfig | undefined {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof LoglineError)) throw error;
    process.stderr.write(`logline-federation: ${error.message}\n`);
    process.exitCode = EXIT_BAD_CONFIGURATION;
    return undefined;
  }
}

async function run(config: ProcessConfig): Promise<void> {
  const log = createLog(logOptions(config));
  for (const name of config.unknownVariables) {
    log.warn({
      event: 'unknown_variable',
      name,
      detail: 'this version does not know it: check the spelling',
    });
  }
  let server: RunningServer;
  try {
    server = await startServer(config, log);
  } catch (error) {
    log.fatal({ event: 'start_failed', detail: messageOf(error), err: error });
    process.stderr.write(`logline-federation: ${messageOf(error)}\n`);
    process.exitCode = EXIT_CANNOT_START;
    return;
  }
  if (config.byHand || process.stdout.isTTY) process.stdout.write(banner(server, config));
  closeWithGrace(
    {
      delay: STOP_MS,
      logger: false,
      onSecondSignal: (signal) => log.warn({ event: 'stopped_at_once', signal }),
      onSecondError: (error) => log.fatal({ event: 'second_fault', err: error }),
      onTimeout: (ms) =>
        log.error({ event: 'stopped_unfinished', detail: `closing took longer than ${ms} ms` }),
    },
    async ({ signal, err }) => {
      if (err !== undefined)
        log.fatal({ event: 'fault', detail: 'a bug: the node stops, start it again', err });
      else log.info({ event: 'stopping', signal });
      await server.close();
      log.info({ event: 'stopped' });
    },
  );
}

function banner({ url, node }: RunningServer, config: ProcessConfig): string {
  const [tenant = 'acme'] = config.tenants === '*' ? [] : config.tenants;
  const json = "-H 'Content-Type: application/json'";
  // The token itself is nothing to print.
  const token = hasCallers(config.access) ? '-H "Authorization: Bearer $TOKEN" ' : '';
  return [
    '',
    `LogLine Federation listens on ${url}${config.bindHost === '0.0.0.0' || config.bindHost === '::' ? ' and every other address of this machine' : ''}`,
    `  node         ${node.id}`,
    `  fingerprint  ${node.fingerprint}`,
    `  data         ${config.dataDir}`,
    '',
    'Try:',
    `  curl ${url}/health`,
    `  curl ${token}${json} -d '{"logline_id":"logline-id://person/ada","title":"hello"}' '${url}/v1/timeline/spans?tenant_id=${tenant}'`,
    `  curl ${token}'${url}/v1/timeline/spans?tenant_id=${tenant}'`,
    '',
    '',
  ].join('\n');
}
