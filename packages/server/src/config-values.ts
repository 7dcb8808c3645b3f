/** Reading single settings: each reader gives a value, or one line that says what was expected and what came. */

import { z } from 'zod';

/** What became of a setting's text. */
export type Read<T> = { readonly value: T } | { readonly problem: string };

/** The schema of one variable; a problem of its value becomes an issue under the variable's name. */
export type Variable<T> = z.ZodType<T, string | undefined>;

const SECONDS_MAX = 86_400;

export function text<T>(byDefault: string, read: (value: string) => Read<T>): Variable<T> {
  return z
    .string()
    .default(byDefault)
    .transform((value, ctx): T => {
      const result = read(value.trim());
      if ('value' in result) return result.value;
      ctx.addIssue({ code: 'custom', message: result.problem });
      return z.NEVER;
    });
}

/** As `text`, for a variable that may be absent. */
export function optional<T>(read: (value: string) => Read<T>): Variable<T | undefined> {
  return text<T | undefined>('', (value) => (value === '' ? ok(undefined) : read(value)));
}

/** A comma list. Every bad part is a problem of its own, and so is having more of them than `bound` allows. */
export function list<T>(
  read: (part: string) => Read<T>,
  repeated: (values: readonly T[]) => string | undefined,
  bound?: { readonly most: number; readonly advice: string },
): Variable<T[]> {
  return z
    .string()
    .default('')
    .transform((value, ctx): T[] => {
      const parts = value.split(',').map((part) => part.trim());
      const values: T[] = [];
      for (const part of parts.filter((one) => one !== '')) {
        const result = read(part);
        if ('value' in result) values.push(result.value);
        else ctx.addIssue({ code: 'custom', message: result.problem });
      }
      const twice = repeated(values);
      if (twice !== undefined)
        ctx.addIssue({ code: 'custom', message: `names ${twice} twice: keep one of them` });
      if (bound !== undefined && values.length > bound.most) {
        const message = `expected at most ${bound.most}, got ${values.length}: ${bound.advice}`;
        ctx.addIssue({ code: 'custom', message });
      }
      return values;
    });
}

export function wholeNumber(
  byDefault: string,
  range: { readonly least: number; readonly most: number },
): Variable<number> {
  return text(byDefault, (value) => readWhole(value, range));
}

export function readWhole(
  value: string,
  range: { readonly least: number; readonly most: number },
): Read<number> {
  const number = /^\d{1,9}$/.test(value) ? Number(value) : Number.NaN;
  return number >= range.least && number <= range.most
    ? ok(number)
    : expected(`a whole number from ${range.least} to ${range.most}`, value);
}

/** `on` or `off`. */
export function onOrOff(byDefault: 'on' | 'off'): Variable<boolean> {
  return text(byDefault, readOnOrOff);
}

export function readOnOrOff(value: string): Read<boolean> {
  return /^(on|off)$/i.test(value) ? ok(value.toLowerCase() === 'on') : expected('on or off', value);
}

export function seconds(byDefaultMs: number): Variable<number> {
  return wholeNumber(String(byDefaultMs / 1000), { least: 1, most: SECONDS_MAX });
}

export function ok<T>(value: T): Read<T> {
  return { value };
}

export function problem(message: string): { readonly problem: string } {
  return { problem: message };
}

/** Shows what came: not for secrets. */
export function expected(what: string, got: string): { readonly problem: string } {
  return problem(`expected ${what}, got ${JSON.stringify(got.slice(0, 200))}`);
}
