/** A span with its annotations applied: the bytes a reader gets, and what names that reading. */

import { fromKey, toHex } from './bytes.js';
import { encodeCbor, type Cbor } from './cbor.js';
import { isOpen, type AnnotationReading } from './annotation.js';
import { metadataKeyOf } from './assertion.js';
import { fingerprintOf } from './identity.js';
import { formatMs } from './instant.js';
import { isJsonObject, type Json, type JsonObject } from './json.js';
import { replaceMembers } from './json-members.js';
import type { Crypto, Text } from './ports.js';

/** A note as it is shown; its author is named by his key. */
export type ShownNote = { readonly text: string; readonly node: string; readonly at: string };

/**
 * The members that annotations change, as they are to be read. `said`: the span's own; empty where the span is not here
 * yet. `conflicted` lists the members on which people have to decide; those are shown as they are for now.
 */
export function annotatedMembers(said: JsonObject, reading: AnnotationReading): JsonObject {
  const changed: JsonObject = {};
  const metadata = new Map<string, Json>(
    Object.entries(isJsonObject(said['metadata']) ? said['metadata'] : {}),
  );
  let isMetadataChanged = false;
  for (const { field, judgement } of reading.fields) {
    if (judgement.shown === undefined) continue;
    const value = JSON.parse(judgement.shown.value) as Json;
    const key = metadataKeyOf(field);
    if (key === undefined) changed[field] = value;
    else if (value === null) isMetadataChanged = metadata.delete(key) || isMetadataChanged;
    else {
      metadata.set(key, value);
      isMetadataChanged = true;
    }
  }
  // Not by assignment: a member may be called `__proto__`.
  if (isMetadataChanged) changed['metadata'] = Object.fromEntries(metadata);
  const tags = annotatedTags(said, reading);
  if (tags !== undefined) changed['tags'] = [...tags];
  if (reading.notes.length > 0) {
    const own = said['notes'];
    const before = own === undefined || own === null ? [] : Array.isArray(own) ? own : [own];
    changed['notes'] = [...before, ...notesOf(reading).map((note): Json => ({ ...note }))];
  }
  const open = [...reading.fields, ...(reading.identity === undefined ? [] : [reading.identity])].filter(
    isOpen,
  );
  if (open.length > 0) changed['conflicted'] = open.map(({ field }) => field);
  return changed;
}

/** The span's JSON as it is read: the bytes as they came, but for members that annotations change. */
export function annotateSpan(
  span: { readonly bytes: Uint8Array; readonly members: JsonObject },
  reading: AnnotationReading,
  text: Text,
): Uint8Array {
  const changed = annotatedMembers(span.members, reading);
  return Object.keys(changed).length === 0 ? span.bytes : replaceMembers(span.bytes, changed, text);
}

export function notesOf(reading: AnnotationReading): readonly ShownNote[] {
  return reading.notes.map(({ assertion, origin, stamp }) => ({
    text: assertion?.value ?? '',
    node: fingerprintOf(fromKey(origin)),
    at: formatMs(stamp.ms),
  }));
}

/** 32 hex digits over what is shown and what stands: equal on nodes with the same accepted entries and the same rules. */
export function versionOf(reading: AnnotationReading, crypto: Pick<Crypto, 'sha256'>): string {
  const { body, identity, fields, tags, notes } = reading;
  const named = identity === undefined ? fields : [...fields, identity];
  const said: Cbor = [
    body === undefined ? null : [body.ref.hash, body.ref.index],
    named.map((one): Cbor => {
      const { shown, standing } = one.judgement;
      return [one.field, shown?.value ?? null, isOpen(one), standing.map(({ id }) => fromKey(id))];
    }),
    tags.map(({ tag, present, judgement }): Cbor => [
      tag,
      present,
      judgement.standing.map(({ id }) => fromKey(id)),
    ]),
    notes.map(({ id }) => fromKey(id)),
  ];
  return toHex(crypto.sha256(encodeCbor(said)).subarray(0, 16));
}

/** The tags that are there, or `undefined` where annotations change none: the span's own first, then others ascending. */
function annotatedTags(said: JsonObject, reading: AnnotationReading): readonly string[] | undefined {
  const own = tagsOf(said);
  const isPresent = new Map(reading.tags.map(({ tag, present }) => [tag, present]));
  const kept = own.filter((tag) => isPresent.get(tag) !== false);
  const added = reading.tags
    .filter(({ tag, present }) => present && !own.includes(tag))
    .map(({ tag }) => tag);
  return kept.length === own.length && added.length === 0 ? undefined : [...kept, ...added];
}

export function tagsOf(said: JsonObject): readonly string[] {
  const tags = said['tags'];
  return Array.isArray(tags) ? tags.filter((tag) => typeof tag === 'string') : [];
}
