/** What doctor says about one thing: that it is well, or what is wrong and the line that puts it right. */

export type Subject =
  | 'connectivity'
  | 'access'
  | 'health'
  | 'disk'
  | 'key'
  | 'clock'
  | 'dns'
  | 'mdns'
  | 'configuration'
  | 'first contact'
  | 'security'
  | 'peers'
  | 'conflicts';

export interface Finding {
  readonly subject: Subject;
  /** `skipped`: it could not be looked at from here, and `what` says why. */
  readonly level: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly what: string;
  readonly fix: string | null;
}

export function well(subject: Subject, what: string): Finding {
  return { subject, level: 'ok', what, fix: null };
}

export function skipped(subject: Subject, what: string): Finding {
  return { subject, level: 'skipped', what, fix: null };
}

export function problem(subject: Subject, what: string, fix: string): Finding {
  return { subject, level: 'problem', what, fix };
}

export function warning(subject: Subject, what: string, fix: string): Finding {
  return { subject, level: 'warning', what, fix };
}

/** `found`, or word that all is well where nothing was found. */
export function orWell(found: readonly Finding[], subject: Subject, what: string): readonly Finding[] {
  return found.length > 0 ? found : [well(subject, what)];
}
