/** Looks for secrets in recorded bytes, in every way in which a careless program writes them. */

const WINDOW_BYTES = 16;
const STRIDE_BYTES = 8;

/**
 * How any part of a secret shows in a recording: as it is, as hex of either case, as base64. Empty if it does not.
 * Parts and not the whole, since a message may be cut in pieces with something between them.
 */
export function tracesOf(secret: Uint8Array, recording: Uint8Array): readonly string[] {
  const bytes = Buffer.from(recording.buffer, recording.byteOffset, recording.byteLength);
  const found = new Set<string>();
  const look = (form: string, part: Buffer | string): void => {
    if (bytes.includes(part)) found.add(form);
  };
  for (const part of windows(secret)) {
    look('as it is', part);
    look('hex', part.toString('hex'));
    look('upper-case hex', part.toString('hex').toUpperCase());
    for (const shift of [0, 1, 2]) look('base64', base64At(part, shift));
  }
  return [...found];
}

function windows(secret: Uint8Array): readonly Buffer[] {
  if (secret.length <= WINDOW_BYTES) return [Buffer.from(secret)];
  const starts = Array.from(
    { length: Math.floor((secret.length - WINDOW_BYTES) / STRIDE_BYTES) + 1 },
    (_, i) => i * STRIDE_BYTES,
  );
  return starts.map((start) => Buffer.from(secret.subarray(start, start + WINDOW_BYTES)));
}

/** The characters that these bytes become whatever stands around them, when they begin `shift` bytes into a group of three. */
function base64At(part: Buffer, shift: number): string {
  const text = Buffer.concat([Buffer.alloc(shift), part])
    .toString('base64')
    .replace(/=+$/, '');
  const lead = Math.ceil((shift * 8) / 6);
  const whole = Math.floor(((shift + part.length) * 8) / 6);
  return text.slice(lead, whole);
}
