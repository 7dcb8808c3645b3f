/** A terminal's second screen: taken over to draw on, and given back as it was, whichever way the program ends. */

import type { Stream } from '../output.js';
import type { Size } from './frame.js';

// https://invisible-island.net/xterm/ctlseqs/ctlseqs.html: second screen, cursor hidden, long lines cut.
const ENTER = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const LEAVE = '\u001b[?7h\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
const TO_END_OF_LINE = '\u001b[K';
const TO_END_OF_SCREEN = '\u001b[J';
const DEFAULT_SIZE = { columns: 80, rows: 24 };

export class Screen {
  readonly #stream: Stream;
  readonly #restore = (): void => void this.#stream.write(LEAVE);
  readonly #suspend = (): void => this.#pause();
  readonly #resume = (): void => this.#enter();
  readonly #redraw: () => void;
  #isOpen = false;

  /** `redraw` is called when the size has changed, or somebody has come back to the program. */
  constructor(stream: Stream, redraw: () => void) {
    this.#stream = stream;
    this.#redraw = redraw;
  }

  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#stream.write(ENTER);
    this.#stream.on('resize', this.#redraw);
    // Also for ends that nobody catches.
    process.once('exit', this.#restore);
    process.on('SIGTSTP', this.#suspend);
    process.on('SIGCONT', this.#resume);
  }

  get size(): Size {
    const { columns, rows } = this.#stream;
    return { columns: columns ?? DEFAULT_SIZE.columns, rows: rows ?? DEFAULT_SIZE.rows };
  }

  /** Draws over what is there, line by line, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    const text = lines.map((line) => `${line}${TO_END_OF_LINE}`).join('\r\n');
    this.#stream.write(`${HOME}${text}${TO_END_OF_SCREEN}`);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#stream.off('resize', this.#redraw);
    process.off('exit', this.#restore);
    process.off('SIGTSTP', this.#suspend);
    process.off('SIGCONT', this.#resume);
    this.#restore();
  }

  /** Ctrl-Z: the shell gets its screen back first. */
  #pause(): void {
    this.#restore();
    process.kill(process.pid, 'SIGSTOP');
  }

  #enter(): void {
    this.#stream.write(ENTER);
    this.#redraw();
  }
}
