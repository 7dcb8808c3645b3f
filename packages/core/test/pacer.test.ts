/** Work that many events ask for is done at once where it is light, and now and then where it is heavy. */

import test from 'ava';
import { Pacer } from '../dist/shell/pacer.js';
import { VirtualTime } from '../dist/testing/virtual-time.js';

function paced(isHeavy: boolean): { readonly time: VirtualTime; readonly pacer: Pacer; runs: number } {
  const time = new VirtualTime();
  const clock = time.clock({ skewMs: () => 0, isAlive: () => true });
  const state = {
    time,
    runs: 0,
    pacer: new Pacer({ clock, gapMs: 50, isHeavy: () => isHeavy, run: () => state.runs++ }),
  };
  return state;
}

test('light work is done at every request', (t) => {
  const state = paced(false);
  for (let i = 0; i < 10; i++) state.pacer.request();
  t.is(state.runs, 10);
});

test('heavy work is done at the first request, and once for all others when the gap is over', async (t) => {
  const state = paced(true);
  for (let i = 0; i < 10; i++) state.pacer.request();
  t.is(state.runs, 1);
  await state.time.advance(49);
  t.is(state.runs, 1);
  await state.time.advance(1);
  t.is(state.runs, 2);
  await state.time.advance(1000);
  t.is(state.runs, 2);
  state.pacer.request();
  t.is(state.runs, 3);
});

test('what was put off is not done after a cancel', async (t) => {
  const state = paced(true);
  state.pacer.request();
  state.pacer.request();
  state.pacer.cancel();
  await state.time.advance(1000);
  t.is(state.runs, 1);
});
