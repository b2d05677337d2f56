/** Where a command prints: results on stdout, everything about them on stderr. */
import pc from 'picocolors';
import { type Paint, plain } from '../reporters/layout.ts';

export interface Terminal {
  /** For stdout: nothing where that is no terminal, or where NO_COLOR is set. */
  readonly paint: Paint;
  /** Somebody sits before stderr and sees lines come and go. */
  readonly isWatched: boolean;
  /** Somebody can be asked. */
  readonly isInteractive: boolean;
  print(lines: readonly string[]): void;
  warn(lines: readonly string[]): void;
}

/** https://no-color.org: any value but the empty one. */
const hasColours = (stream: NodeJS.WriteStream): boolean =>
  stream.isTTY && (process.env['NO_COLOR'] ?? '') === '' && process.env['TERM'] !== 'dumb';

export function openTerminal(): Terminal {
  const { stdin, stdout, stderr } = process;
  // A reader that has seen enough (`| head`) is no fault.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  const { green, red, yellow, bold, dim } = pc.createColors(true);
  return {
    paint: hasColours(stdout) ? { good: green, bad: red, doubtful: yellow, strong: bold, faint: dim } : plain,
    isWatched: stderr.isTTY,
    isInteractive: stdin.isTTY && stderr.isTTY,
    print: (lines) => void stdout.write(lines.map((line) => `${line}\n`).join('')),
    warn: (lines) => void stderr.write(lines.map((line) => `${line}\n`).join('')),
  };
}
