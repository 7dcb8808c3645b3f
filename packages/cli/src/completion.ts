/** What may come next on a command line: commands, options, and values of a closed list, all from the tree of commands. */

import type { Argument, Command, Option } from 'commander';

/** Values that only a node or the disk knows. */
export type Source = 'peers' | 'tenants' | 'files' | 'folders';

export interface Candidate {
  readonly word: string;
  readonly about: string;
}

export interface Candidates {
  readonly words: readonly Candidate[];
  /** Where further values come from. */
  readonly source: Source | undefined;
}

const NOTHING: Candidates = { words: [], source: undefined };

/** `words` are those behind the program's name; the last one is being typed, and may be empty. */
export function candidatesFor(program: Command, words: readonly string[]): Candidates {
  const typed = words.at(-1) ?? '';
  const { command, pending, given } = walk(program, words.slice(0, -1));
  if (pending !== undefined) return matching(valuesOf(pending), typed);
  if (typed.startsWith('-')) return matching({ words: optionsOf(command), source: undefined }, typed);
  if (command.commands.length > 0) return matching({ words: commandsOf(command), source: undefined }, typed);
  const known = command.registeredArguments;
  const argument = known[given] ?? (known.at(-1)?.variadic === true ? known.at(-1) : undefined);
  return argument === undefined ? NOTHING : matching(valuesOf(argument), typed);
}

interface Walked {
  readonly command: Command;
  /** An option that waits for its value. */
  readonly pending: Option | undefined;
  /** Arguments of the command so far. */
  readonly given: number;
}

function walk(program: Command, words: readonly string[]): Walked {
  let command = program;
  let pending: Option | undefined;
  let given = 0;
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined;
      continue;
    }
    const option = command.options.find((one) => one.long === word || one.short === word);
    const next = command.commands.find((one) => one.name() === word);
    if (option !== undefined) pending = option.required ? option : undefined;
    else if (next !== undefined) command = next;
    else if (!word.startsWith('-')) given++;
  }
  return { command, pending, given };
}

function matching({ words, source }: Candidates, typed: string): Candidates {
  return { words: words.filter(({ word }) => word.startsWith(typed)), source };
}

function commandsOf(command: Command): readonly Candidate[] {
  return command.commands.map((one) => ({ word: one.name(), about: one.description() }));
}

function optionsOf(command: Command): readonly Candidate[] {
  const own = command.options
    .filter((option) => !option.hidden)
    .map((option) => ({ word: option.long ?? option.flags, about: option.description }));
  return [...own, { word: '--help', about: 'display help' }];
}

function valuesOf(place: Option | Argument): Candidates {
  const choices = place.argChoices ?? [];
  if (choices.length > 0) return { words: choices.map((word) => ({ word, about: '' })), source: undefined };
  return { words: [], source: sourceOf(place) };
}

/** By what the help calls the value: `<peer>`, `<file>`. */
function sourceOf(place: Option | Argument): Source | undefined {
  const flags = 'flags' in place ? place.flags : place.name();
  const long = 'flags' in place ? (place.long ?? '') : '';
  if (/\bpeer\b|<id\.\.\.>/.test(flags) && long !== '--peer-id' && !/<address>/.test(flags)) return 'peers';
  if (long === '--tenant' || /\btenant\b/.test(flags)) return 'tenants';
  if (/<file>|^files?$/.test(flags)) return 'files';
  return /<folder>/.test(flags) ? 'folders' : undefined;
}
