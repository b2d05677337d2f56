/**
 * Which blocks of kernel code are run, as V8 counts them. It counts in blocks only what is loaded after it was told to,
 * so a recorder is started before any scenario is.
 */
import { Session } from 'node:inspector/promises';
import type { Counted } from './code.ts';

export interface Script {
  readonly url: string;
  readonly text: string;
  readonly counted: readonly Counted[];
}

export class Recorder {
  private readonly session = new Session();

  async start(): Promise<void> {
    this.session.connect();
    await this.session.post('Profiler.enable');
    await this.session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** What was run since it was asked last, of the scripts that are wanted. */
  async take(wanted: (url: string) => boolean): Promise<readonly Script[]> {
    const { result } = await this.session.post('Profiler.takePreciseCoverage');
    await this.session.post('Debugger.enable');
    const scripts: Script[] = [];
    for (const { url, scriptId, functions } of result) {
      if (!wanted(url)) continue;
      const { scriptSource: text } = await this.session.post('Debugger.getScriptSource', { scriptId });
      scripts.push({ url, text, counted: functions.flatMap(({ ranges }) => ranges) });
    }
    await this.session.post('Debugger.disable');
    return scripts;
  }

  stop(): void {
    this.session.disconnect();
  }
}
