/** What every help says beside the command: the environment, and what exit codes mean. */

import { DEFAULT_URL } from './connection.js';

export const ENVIRONMENT = `Environment:
  LOGLINE_FEDERATION_URL         the node to ask (default: ${DEFAULT_URL})
  LOGLINE_FEDERATION_TOKEN       a bearer token, or
  LOGLINE_FEDERATION_TOKEN_FILE  a file that holds it, for its owner's eyes only (chmod 600)
  NO_COLOR                       no colours
  LOGLINE_DEBUG                  shows where in the program an unexpected error came from`;

export const EXIT_CODES = `Exit codes:
  0  done                          3  the node cannot be reached
  1  the node or a file failed     4  done in part: spans rejected, peers not in sync
  2  the command line is wrong     130  interrupted`;
