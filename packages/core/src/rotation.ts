/** Rotations outside their feeds, as a hello carries them: what each says, and whether they lead to the key that shows them. */

import { equalBytes } from './bytes.js';
import { readChange } from './change.js';
import { openContent } from './content.js';
import { headerOfAccepted, splitEntry } from './entry.js';
import { TRUST_SCOPE } from './identity.js';
import type { Tools } from './ports.js';
import { rotationBody } from './statement.js';

/** An entry that holds one rotation and nothing else. Who signed it is not checked here: the gate does that. */
export interface Rotation {
  readonly bytes: Uint8Array;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  /** Whether the new key agrees. */
  readonly isProven: () => boolean;
}

/** `undefined` unless all are rotations, each goes on from the one before, and the last leads to `key`. */
export function readRotations(
  entries: readonly Uint8Array[],
  key: Uint8Array,
  tools: Tools,
): readonly Rotation[] | undefined {
  const rotations: Rotation[] = [];
  for (const bytes of entries) {
    const rotation = readRotation(bytes, tools);
    const last = rotations.at(-1);
    if (rotation === undefined || (last !== undefined && !equalBytes(last.to, rotation.from)))
      return undefined;
    rotations.push(rotation);
  }
  const last = rotations.at(-1);
  return last === undefined || equalBytes(last.to, key) ? rotations : undefined;
}

function readRotation(bytes: Uint8Array, tools: Tools): Rotation | undefined {
  const parts = splitEntry(bytes);
  const header = parts === undefined ? undefined : headerOfAccepted(parts);
  if (parts === undefined || header?.scope !== TRUST_SCOPE) return undefined;
  const change = readChange(parts.change, tools);
  const content = change === undefined ? undefined : openContent(change.value, header.scope, tools);
  if (content?.ok !== true || content.statements.length !== 1) return undefined;
  const [statement] = content.statements;
  if (statement?.kind !== 'rotate') return undefined;
  const { key: to, cuts, proof } = statement;
  const { origin: from } = header;
  const isProven = (): boolean => tools.crypto.verify(proof, rotationBody(from, to, cuts), to);
  return { bytes, from, to, isProven };
}
