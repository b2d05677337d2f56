/** Threads that can help one search after the other: to start one takes longer than many a search. */
import { Worker } from 'node:worker_threads';

const ENTRY = new URL('./worker.js', import.meta.url);

export class WorkerPool {
  private readonly idle: Worker[] = [];

  /** @param hear what to do with what it says; and with an error, or with null where it has ended */
  take(hear: (message: unknown) => void, fail: (error: Error | null) => void): Worker {
    const worker = this.idle.pop() ?? new Worker(ENTRY);
    dismiss(worker);
    worker.on('message', hear);
    worker.on('error', fail);
    worker.on('exit', () => fail(null));
    // A search that nobody looks at any more must not keep the process; to listen would.
    worker.unref();
    return worker;
  }

  /** Only of one that has nothing to do any more. */
  giveBack(worker: Worker): void {
    dismiss(worker);
    // One that comes to its end while it is idle is no loss.
    worker.on('error', () => this.forget(worker));
    worker.on('exit', () => this.forget(worker));
    this.idle.push(worker);
  }

  /** Whatever it may still be doing. */
  async stop(worker: Worker): Promise<void> {
    dismiss(worker);
    // It has been said already what went wrong, or nobody asks any more.
    worker.on('error', () => {});
    await worker.terminate();
  }

  async end(): Promise<void> {
    await Promise.all(this.idle.splice(0).map((worker) => this.stop(worker)));
  }

  private forget(worker: Worker): void {
    const at = this.idle.indexOf(worker);
    if (at >= 0) this.idle.splice(at, 1);
  }
}

/** It has listeners of its own, which have to stay. */
function dismiss(worker: Worker): void {
  for (const event of ['message', 'error', 'exit']) worker.removeAllListeners(event);
}
