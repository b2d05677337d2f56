/** A thread that takes its share of each level. It holds tables, no scenario; what it does not know it asks of the owner. */
import { type MessagePort, parentPort, receiveMessageOnPort } from 'node:worker_threads';
import { InternalError } from '../../model/errors.ts';
import { StubbornSets } from '../reduction/stubborn-sets.ts';
import { ANSWERED } from './control.ts';
import { packed, unpacked } from './errors.ts';
import { Expansion } from './expansion.ts';
import type { Answered, Asked, Command, FromWorker, Outfit, Reply } from './messages.ts';
import { RemoteStepper } from './remote-stepper.ts';
import { SharedSet } from './shared-states.ts';
import { Watch } from './watch.ts';

/** A question without what is known, which is added where it is asked. */
type Unknown<T> = T extends unknown ? Omit<T, 'known'> : never;

class Worker {
  private readonly port: MessagePort;
  private readonly outfit: Outfit;
  private readonly stepper: RemoteStepper;
  private readonly watch: Watch;
  private set: SharedSet | null = null;
  private expansion: Expansion | null = null;
  private known = 0;

  constructor(port: MessagePort, outfit: Outfit) {
    this.port = port;
    this.outfit = outfit;
    this.stepper = new RemoteStepper(outfit.shape, (question) => this.ask(question).log);
    this.watch = new Watch(this.stepper, outfit.predicates, (predicate, state, strict) => {
      const { log, verdict } = this.ask({ ask: 'verdict', predicate, state, strict });
      this.stepper.learn(log);
      if (verdict === null) throw new InternalError('a question was not answered');
      return verdict;
    });
  }

  obey(command: Exclude<Command, { do: 'equip' }>): Reply {
    const { set, expansion } = this;
    if (command.do === 'begin') {
      this.learn(command.log);
      const { forecast } = command;
      this.set = new SharedSet(command.memory, this.outfit.control, this.stepper.width, command.groups);
      const reduction = forecast && new StubbornSets(this.stepper, forecast, (state) => this.watch.isWrong(state));
      this.watch.begin();
      this.expansion = new Expansion(this.stepper, this.outfit.control, this.set, this.watch, reduction);
      return { harvest: null, met: 0 };
    }
    if (set === null || expansion === null) throw new InternalError('a worker was not told what it works on');
    if (command.do === 'move') {
      set.move(command.memory, command.part, command.parts);
      return { harvest: null, met: set.roots.size };
    }
    this.learn(command.log);
    set.use(command.memory);
    return { harvest: expansion.run(command.level, command.takesMore), met: set.roots.size };
  }

  private learn(log: Int32Array): void {
    this.known += log.length;
    this.stepper.learn(log);
  }

  /** Stands still until the answer is there. */
  private ask(question: Unknown<Asked>): Exclude<Answered, { refused: unknown }> {
    const { control, worker } = this.outfit;
    const asked: FromWorker = { asked: { ...question, known: this.known } };
    this.port.postMessage(asked, []);
    // The owner says that it has answered and then wakes whoever waits: by then that may be who asks the next question.
    while (Atomics.load(control, ANSWERED + worker) === 0) Atomics.wait(control, ANSWERED + worker, 0);
    Atomics.store(control, ANSWERED + worker, 0);
    const received = receiveMessageOnPort(this.port);
    if (received === undefined) throw new InternalError('a question was not answered');
    const message: Answered = received.message;
    // It may be that nobody has to know: then somebody above looks after that.
    if ('refused' in message) throw unpacked(message.refused);
    this.known += message.log.length;
    return message;
  }
}

function serve(port: MessagePort): void {
  let worker: Worker | null = null;
  const obey = (command: Command): Reply => {
    if (command.do === 'equip') {
      worker = new Worker(port, command.outfit);
      return { harvest: null, met: 0 };
    }
    if (worker === null) throw new InternalError('a worker was not told for whom it works');
    return worker.obey(command);
  };
  const outcomeOf = (command: Command): FromWorker => {
    try {
      return { reply: obey(command) };
    } catch (error) {
      return { threw: packed(error) };
    }
  };
  port.on('message', (command: Command) => {
    const outcome = outcomeOf(command);
    const harvest = 'reply' in outcome ? outcome.reply.harvest : null;
    port.postMessage(
      outcome,
      harvest === null ? [] : [harvest.portions.buffer as ArrayBuffer, harvest.events.buffer as ArrayBuffer],
    );
  });
}

if (parentPort !== null) serve(parentPort);
