/** Registers, sets and logs of notes for a service's own Automerge documents, read by the fold that reads annotations. */

export { AddWinsSet } from './add-wins-set.js';
export type { ClaimsOptions, DisputeOptions, DocumentClaim } from './claims-in-document.js';
export { NoteLog, type LoggedNote } from './note-log.js';
export { Register, type RegisterCandidate, type RegisterOptions, type RegisterReading } from './register.js';
export type { ConflictPolicy } from '../statement.js';
export type { Settle } from '../claims.js';
