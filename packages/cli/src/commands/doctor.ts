/** `doctor`: looks at a node, its peers, its machine and its configuration, and says what is wrong and how to mend it. */

import type { Command } from 'commander';
import { checkConfiguration, readEnvFile } from '../doctor/check-configuration.js';
import { checkDisk, checkKey, checkMulticast } from '../doctor/check-machine.js';
import { checkNode } from '../doctor/check-node.js';
import { checkDnsName, checkNames } from '../doctor/check-names.js';
import { checkPeers } from '../doctor/check-peers.js';
import { skipped, warning, type Finding } from '../doctor/finding.js';
import { askNode } from '../doctor/node-answers.js';
import { EXIT } from '../exit-code.js';
import type { Output } from '../output.js';
import type { Context, Shell } from '../shell.js';
import { counted, safe } from '../text.js';

interface DoctorOptions {
  readonly dataDir?: string;
  readonly envFile?: string;
}

const ORDER = ['problem', 'warning', 'skipped', 'ok'] as const;

export function addDoctor(parent: Command, shell: Shell): void {
  const command = parent
    .command('doctor')
    .description('look for what is wrong with a node and around it, and say what mends it; changes nothing')
    .option('--data-dir <folder>', 'its data directory (default: $FEDERATION_DATA_DIR, then ./data)')
    .option('--env-file <file>', "the node's environment, as Docker and systemd read it, on top of ours");
  command.addHelpText('after', '\nIt exits with 1 where it found a problem; warnings alone leave 0.');
  const examples = [
    'logline federation doctor',
    'logline federation doctor --env-file /etc/logline/federation.env --data-dir /var/lib/logline',
    `logline federation doctor --json | jq -r '.findings[] | select(.level == "problem") | .fix'`,
  ];
  shell.define<DoctorOptions>(command, examples, async (context, options) => {
    const findings = await examine(context, options);
    const { out } = context;
    const problems = findings.filter(({ level }) => level === 'problem').length;
    if (out.isJson) await out.json({ problems, findings });
    else await show(out, findings);
    return problems > 0 ? EXIT.failed : EXIT.ok;
  });
}

async function examine(context: Context, options: DoctorOptions): Promise<readonly Finding[]> {
  const { io, signal, target, warnings } = context;
  const file = options.envFile === undefined ? {} : await readEnvFile(options.envFile);
  const env = { ...io.env, ...file };
  const answers = await askNode(target, signal);
  const { findings, config } = await checkConfiguration(env, answers);
  const dataDir = options.dataDir ?? (env['FEDERATION_DATA_DIR'] || './data');
  const peers = answers.sync?.peers ?? [];
  const addresses = [...peers, ...(config?.trustedPeers ?? [])].map(({ address }) => address);
  const key = {
    fingerprint: answers.fingerprint,
    hasPassphrase: config && config.keyPassphraseFile !== undefined,
  };
  return [
    ...checkNode(answers),
    ...warnings.map((text) => tokenFinding(text)),
    ...checkPeers(answers),
    ...(await checkKey(dataDir, key)),
    ...(await checkDisk(dataDir)),
    ...(await checkNames(addresses, signal)),
    ...(config?.discovery.dnsName === undefined ? [] : await checkDnsName(config.discovery.dnsName)),
    ...(config?.discovery.broadcast === false
      ? [skipped('mdns', 'FEDERATION_BROADCAST is off, or has no network key or only loopback to work with')]
      : await checkMulticast()),
    ...findings,
  ];
}

/** What was said about the file with our own token when it was read. */
function tokenFinding(text: string): Finding {
  const [what = '', fix = ''] = text.replace(/^warning: /, '').split('; run: ');
  return warning('security', what, fix);
}

async function show(out: Output, findings: readonly Finding[]): Promise<void> {
  const { green, yellow, red, dim, bold } = out.colors;
  const paint = { problem: red, warning: yellow, skipped: dim, ok: green };
  const mark = { problem: 'PROBLEM', warning: 'warning', skipped: 'skipped', ok: 'ok' };
  for (const level of ORDER) {
    for (const { subject, what, fix } of findings.filter((one) => one.level === level)) {
      await out.line(`${paint[level](mark[level].padEnd(7))}  ${bold(subject)}: ${safe(what)}`);
      if (fix !== null) await out.line(`         ${safe(fix)}`);
    }
  }
  const [problems, warnings] = [count(findings, 'problem'), count(findings, 'warning')];
  await out.line();
  await out.line(
    problems + warnings === 0
      ? 'Nothing is wrong.'
      : `${counted(problems, 'problem')}, ${counted(warnings, 'warning')}.`,
  );
}

function count(findings: readonly Finding[], level: Finding['level']): number {
  return findings.filter((one) => one.level === level).length;
}
