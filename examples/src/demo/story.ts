/** How the demo speaks: sentences, tables, a picture of the line of nodes, and progress where a person looks on. */

import { NODES, type NodeName } from './traffic.js';

export interface Output {
  readonly isTTY?: boolean | undefined;
  write(text: string): unknown;
}

export type NodeState = 'up' | 'killed';
export type LinkState = 'up' | 'cut' | 'none';

export interface Story {
  say(text?: string): void;
  /** Shown in place, until the next word; only on a terminal. */
  progress(text: string): void;
  /** Takes the progress away, so that others may write. */
  clear(): void;
  table(head: readonly string[], rows: readonly (readonly string[])[]): void;
  picture(
    states: Readonly<Record<NodeName, NodeState>>,
    links: readonly [LinkState, LinkState],
    notes: Readonly<Record<NodeName, string>>,
  ): void;
}

const CELL = 24;
const LINE: Readonly<Record<LinkState, string>> = { up: '─', cut: '─', none: ' ' };
const PROGRESS_EVERY_MS = 100;

export function createStory(out: Output): Story {
  let isProgressShown = false;
  let shownAtMs = 0;
  const clear = (): void => {
    if (isProgressShown) out.write('\r\u001b[2K');
    isProgressShown = false;
  };
  const say = (text = ''): void => {
    clear();
    out.write(`${text}\n`);
  };
  return {
    say,
    clear,
    progress: (text) => {
      if (out.isTTY !== true || performance.now() - shownAtMs < PROGRESS_EVERY_MS) return;
      shownAtMs = performance.now();
      isProgressShown = true;
      out.write(`\r\u001b[2K   … ${text}`);
    },
    table: (head, rows) => {
      for (const line of tableLines(head, rows)) say(line);
    },
    picture: (states, links, notes) => {
      for (const line of pictureLines(states, links, notes)) say(line);
    },
  };
}

/** Text to the left in the first column, figures to the right in the others. */
export function tableLines(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    widths
      .map((width, column) => {
        const cell = row[column] ?? '';
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('   ');
  const rule = widths.map((width) => '─'.repeat(width)).join('───');
  return ['', line(head), rule, ...rows.map(line), ''].map((text) =>
    text === '' ? '' : `   ${text.trimEnd()}`,
  );
}

/** `alpha ──── beta ──╳── gamma`, and below each node what is to be said of it. */
export function pictureLines(
  states: Readonly<Record<NodeName, NodeState>>,
  links: readonly [LinkState, LinkState],
  notes: Readonly<Record<NodeName, string>>,
): readonly string[] {
  const names = NODES.map((node, at) => {
    const name = states[node] === 'up' ? `● ${node} ` : `✗ ${node} `;
    const link = links[at];
    if (link === undefined) return name.trimEnd();
    const wire = LINE[link].repeat(CELL - name.length - 1);
    const middle = Math.floor(wire.length / 2);
    const drawn = link === 'cut' ? `${wire.slice(0, middle)}╳${wire.slice(middle + 1)}` : wire;
    return `${name}${drawn} `;
  });
  const below = NODES.map((node) => `  ${notes[node]}`.padEnd(CELL)).join('');
  return ['', names.join(''), below.trimEnd(), ''].map((text) => (text === '' ? '' : `   ${text}`));
}

/** 24675 as `24,675`. */
export function figure(value: number): string {
  return value.toLocaleString('en-US');
}

export function counted(value: number, one: string, many = `${one}s`): string {
  return `${figure(value)} ${value === 1 ? one : many}`;
}

export function seconds(ms: number): string {
  return (ms / 1000).toFixed(2);
}

/** In units of 1000. */
export function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const kilo = bytes / 1000;
  return kilo < 1000 ? `${kilo.toFixed(1)} kB` : `${(kilo / 1000).toFixed(2)} MB`;
}
