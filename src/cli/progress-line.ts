/** How far a search has come, on a line of stderr that is written over again and again, if somebody watches. */
import type { Progress } from '../index.ts';
import { count, grouped } from '../reporters/layout.ts';

const EVERY_MS = 100;
const CLEAR = '\r\u001b[2K';

export class ProgressLine {
  private readonly isWatched: boolean;
  private began = 0;
  private last = 0;
  private isShown = false;
  private name = '';

  constructor(isWatched: boolean) {
    this.isWatched = isWatched;
  }

  begin(name: string): void {
    this.name = name;
    this.began = performance.now();
    this.last = this.began;
  }

  update({ states, depth }: Progress): void {
    const now = performance.now();
    if (!this.isWatched || now - this.last < EVERY_MS) return;
    this.last = now;
    this.isShown = true;
    const rate = Math.round((states / Math.max(1, now - this.began)) * 1000);
    const line = `${this.name}: ${count(states, 'state')}, ${grouped(rate)} a second, depth ${depth}`;
    process.stderr.write(`${CLEAR}${line.slice(0, (process.stderr.columns || 80) - 1)}`);
  }

  end(): void {
    if (this.isShown) process.stderr.write(CLEAR);
    this.isShown = false;
  }
}
