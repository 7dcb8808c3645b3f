// Pictures of the trust graph: names that others chose show as they are, and are never read as syntax.
import test from 'ava';
import { fc, testProp } from '@fast-check/ava';
import type { Fingerprint, NodeId, TrustGraphView, TrustLevel } from '@logline/federation-core';
import { dotOf, mermaidOf } from '../dist/trust-pictures.js';

const DOT_STRING = String.raw`"(?:[^"\\\p{Cc}]|\\[\\"n])*"`;
const DOT_ATTRIBUTES = String.raw`\[\w+=${DOT_STRING}(?:, \w+=${DOT_STRING})*\]`;
const DOT_NODE = new RegExp(String.raw`^  n\d+ ${DOT_ATTRIBUTES};$`, 'u');
const DOT_EDGE = new RegExp(String.raw`^  n\d+ -> n\d+ ${DOT_ATTRIBUTES};$`, 'u');
const MERMAID_NODE =
  /^ {2}n\d+\["(?:[A-Za-z0-9 .:/_-]|#\d+;)*<br\/>(?:[a-z ])+"\]:::(?:unknown|pending|verified|revoked)$/;
const MERMAID_EDGE = /^ {2}n\d+ (?:-->|-\.->)\|(?:introduce|verify|revoke|rotate)\| n\d+$/;

const fingerprint = (text: string): Fingerprint => text as Fingerprint;

function graphOf(names: readonly (string | undefined)[], level: TrustLevel = 'verified'): TrustGraphView {
  const keys = names.map((_, i) => fingerprint(`key ${i} "]; evil -> evil ["`));
  const [root = fingerprint('none')] = keys;
  return {
    root,
    nodes: names.map((name, i) => ({
      fingerprint: keys[i] ?? root,
      id: name as NodeId | undefined,
      level,
      why: ['"]'],
    })),
    edges: keys.map((to, i) => ({
      from: root,
      to,
      kind: 'verify',
      statement: 'ab',
      statedAtMs: 0,
      isEffective: i % 2 === 0,
    })),
  };
}

const HOSTILE = [
  'a"]; evil [label="',
  'a\\"]; evil [label=\\"',
  'a\\',
  '\\N \\G \\L',
  'a\nn9 -> n9;',
  '<b>bold</b>',
  'a"] --> evil["',
  'end',
  'click n0 href "javascript:alert(1)"',
  '#quot;];',
  'a`b`%% comment',
  '\u202edrawkcab',
  'ünï\u{1f600}',
];

test('a graph of hostile names has as many lines as nodes and edges, each in its form', (t) => {
  const graph = graphOf(HOSTILE);
  const dot = dotOf(graph).split('\n');
  t.is(dot.filter((line) => DOT_NODE.test(line)).length, HOSTILE.length);
  t.is(dot.filter((line) => DOT_EDGE.test(line)).length, HOSTILE.length);
  t.is(dot.length, 2 * HOSTILE.length + 6);
  const mermaid = mermaidOf(graph).split('\n');
  t.is(mermaid.filter((line) => MERMAID_NODE.test(line)).length, HOSTILE.length, mermaid.join('\n'));
  t.is(mermaid.filter((line) => MERMAID_EDGE.test(line)).length, HOSTILE.length);
  t.is(mermaid.length, 2 * HOSTILE.length + 6);
});

testProp('no name at all breaks out of its place', [fc.string({ unit: 'binary' })], (t, name) => {
  const graph = graphOf([name]);
  const [, , , , node = '', edge = '', end] = dotOf(graph).split('\n');
  t.regex(node, DOT_NODE);
  t.regex(edge, DOT_EDGE);
  t.is(end, '}');
  const [, shape = '', arrow = ''] = mermaidOf(graph).split('\n');
  t.regex(shape, MERMAID_NODE);
  t.regex(arrow, MERMAID_EDGE);
});

test('a node without a name shows the beginning of its key, and this node says so', (t) => {
  const graph = graphOf([undefined, 'logline-id://node/bob'], 'revoked');
  const dot = dotOf(graph);
  t.true(dot.includes(String.raw`label="key 0 \"]; …\nthis node"`), dot);
  t.true(dot.includes(String.raw`label="logline-id://node/bob\nrevoked"`), dot);
  t.regex(dot, /n0 -> n1 \[label="verify", style="dashed"\]/);
  t.regex(mermaidOf(graph), /n1\["logline-id:\/\/node\/bob<br\/>revoked"\]:::revoked/);
});
