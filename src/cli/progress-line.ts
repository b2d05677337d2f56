/** How far the searches have come, on a line of stderr that is written over again and again, if somebody watches. */
import type { Progress } from '../index.ts';
import { count, grouped } from '../reporters/layout.ts';

const EVERY_MS = 100;
const CLEAR = '\r\u001b[2K';
const BAR = 10;
const MEGABYTE = 1_000_000;

interface Running {
  readonly began: number;
  progress: Progress | null;
}

export class ProgressLine {
  private readonly isWatched: boolean;
  private readonly all: number;
  private readonly running = new Map<string, Running>();
  private ended = 0;
  private last = performance.now();
  private isShown = false;

  /** @param all how many variants there are to check */
  constructor(isWatched: boolean, all: number) {
    this.isWatched = isWatched;
    this.all = all;
  }

  begin(name: string): void {
    this.running.set(name, { began: performance.now(), progress: null });
  }

  update(name: string, progress: Progress): void {
    const running = this.running.get(name);
    const now = performance.now();
    if (running === undefined) return;
    running.progress = progress;
    if (!this.isWatched || now - this.last < EVERY_MS) return;
    this.last = now;
    this.isShown = true;
    const line = this.lineAt(now, process.memoryUsage().rss);
    process.stderr.write(`${CLEAR}${line.slice(0, (process.stderr.columns || 80) - 1)}`);
  }

  end(name: string): void {
    this.running.delete(name);
    this.ended++;
    this.clear();
  }

  /** Makes room for what is printed between two updates. */
  clear(): void {
    if (this.isShown) process.stderr.write(CLEAR);
    this.isShown = false;
  }

  /** @param memory in bytes */
  lineAt(now: number, memory: number): string {
    // The one that runs longest is the one that is waited for.
    const [name, { began, progress }] = [...this.running].find(([, { progress }]) => progress !== null) ?? ['', {} as Running];
    const done = this.all > 1 ? `${bar(this.ended / this.all)} ${this.ended} of ${this.all}  ` : '';
    if (progress === null || progress === undefined) return done.trimEnd();
    const { states, traces, depth, share } = progress;
    const met = traces === null ? count(states, 'state') : count(traces, 'run');
    const rate = Math.round(((traces ?? states) / Math.max(1, now - began)) * 1000);
    const estimate = share === null ? '' : `${bar(share)} ${Math.round(share * 100)} %  `;
    const size = `${grouped(Math.round(memory / MEGABYTE))} MB`;
    return `${done}${estimate}${name}: ${met}, ${grouped(rate)} a second, depth ${depth}, ${size}`;
  }
}

const bar = (share: number): string => {
  const full = Math.round(Math.min(1, Math.max(0, share)) * BAR);
  return `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}]`;
};
