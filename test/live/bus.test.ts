import test from 'ava';
import { createBus } from '../../src/live/bus.ts';

test('who listens later hears the request before the answer that another listener gave to it', (t) => {
  const bus = createBus();
  const heard: string[] = [];
  const note = (who: string) => (message: { type: string }) => heard.push(`${who} ${message.type}`);
  bus.listen((message) => {
    note('early')(message);
    if (message.type === 'request') bus.say({ type: 'grant', thread: 'a', way: 0 });
  });
  bus.listen(note('late'));
  bus.say({ type: 'request', thread: 'a' });
  t.deepEqual(heard, ['early request', 'late request', 'early grant', 'late grant']);
});

test('what a listener throws is heard by who asked for failures, and the others hear the message all the same', (t) => {
  const bus = createBus();
  const failures: unknown[] = [];
  let heard = 0;
  bus.onFailure((error) => failures.push(error));
  bus.listen(() => {
    throw new Error('broken');
  });
  bus.listen(() => heard++);
  bus.say({ type: 'request', thread: 'a' });
  t.deepEqual(
    failures.map((error) => (error as Error).message),
    ['broken'],
  );
  t.is(heard, 1);
});
