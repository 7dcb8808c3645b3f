/** The trust graph as a picture: for Graphviz, and for Mermaid in Markdown. Names are others' words and never become syntax. */

import type { TrustEdge, TrustGraphView, TrustLevel, TrustNode } from '@logline/federation-core';

const COLORS: Readonly<Record<TrustLevel, string>> = {
  unknown: '#d0d0d0',
  pending: '#ffe08a',
  verified: '#a8e0a0',
  revoked: '#f0a0a0',
};
const SHORT_CHARS = 10;

/** https://graphviz.org/doc/info/lang.html */
export function dotOf(graph: TrustGraphView): string {
  const ids = idsOf(graph);
  const nodes = graph.nodes.map((node) => {
    const attributes = {
      label: labelOf(node, graph).join('\n'),
      tooltip: node.fingerprint,
      fillcolor: COLORS[node.level],
      ...(node.fingerprint === graph.root && { penwidth: '3' }),
    };
    return `  ${ids.get(node.fingerprint)} [${dotAttributes(attributes)}];`;
  });
  const edges = graph.edges.flatMap((edge) => {
    const ends = endsOf(edge, ids);
    if (ends === undefined) return [];
    const attributes = {
      label: edge.kind,
      style: edge.isEffective ? 'solid' : 'dashed',
      ...(edge.kind === 'revoke' && { color: '#c02020' }),
    };
    return [`  ${ends[0]} -> ${ends[1]} [${dotAttributes(attributes)}];`];
  });
  return [
    'digraph trust {',
    '  rankdir=LR;',
    '  node [shape=box, style="rounded,filled", fontname="sans-serif"];',
    '  edge [fontname="sans-serif", fontsize=10];',
    ...nodes,
    ...edges,
    '}',
    '',
  ].join('\n');
}

/** https://mermaid.js.org/syntax/flowchart.html */
export function mermaidOf(graph: TrustGraphView): string {
  const ids = idsOf(graph);
  const nodes = graph.nodes.map((node) => {
    const label = labelOf(node, graph).map(mermaidText).join('<br/>');
    return `  ${ids.get(node.fingerprint)}["${label}"]:::${node.level}`;
  });
  const edges = graph.edges.flatMap((edge) => {
    const ends = endsOf(edge, ids);
    const arrow = edge.isEffective ? '-->' : '-.->';
    return ends === undefined ? [] : [`  ${ends[0]} ${arrow}|${edge.kind}| ${ends[1]}`];
  });
  const classes = Object.entries(COLORS).map(([level, color]) => `  classDef ${level} fill:${color}`);
  return ['flowchart LR', ...nodes, ...edges, ...classes, ''].join('\n');
}

/** Ids of our own making, for what others chose could be a word of the language. */
function idsOf({ nodes }: TrustGraphView): ReadonlyMap<string, string> {
  return new Map(nodes.map((node, i) => [node.fingerprint, `n${i}`]));
}

function endsOf(
  { from, to }: TrustEdge,
  ids: ReadonlyMap<string, string>,
): readonly [string, string] | undefined {
  const [source, target] = [ids.get(from), ids.get(to)];
  return source === undefined || target === undefined ? undefined : [source, target];
}

function labelOf({ id, fingerprint, level }: TrustNode, { root }: TrustGraphView): readonly string[] {
  const name = id ?? `${fingerprint.slice(0, SHORT_CHARS)}…`;
  return [name, fingerprint === root ? 'this node' : level];
}

function dotAttributes(attributes: Readonly<Record<string, string>>): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}=${dotText(value)}`)
    .join(', ');
}

/** A quoted string: of the backslash sequences only our own line break is left, and nothing ends the quotes. */
function dotText(text: string): string {
  const lines = text.split('\n').map((line) =>
    line
      .replaceAll(/\p{Cc}/gu, '\ufffd')
      .replaceAll('\\', '\\\\')
      .replaceAll('"', '\\"'),
  );
  return `"${lines.join('\\n')}"`;
}

/** Everything but plain letters, digits and a few marks as its number, which Mermaid shows as the character. */
function mermaidText(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 .:/_-]/gu, (character) => `#${character.codePointAt(0) ?? 0xfffd};`);
}
