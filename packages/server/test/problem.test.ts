// How faults of the library and of requests become answers.
import test from 'ava';
import { LoglineError, type ErrorCode } from '@logline/federation-core';
import { HttpProblem, problemOf, STATUS_OF_CODE } from '../dist/problem.js';

test('every error of the library has a status and a body with its code', (t) => {
  for (const [code, status] of Object.entries(STATUS_OF_CODE)) {
    const problem = problemOf(new LoglineError(code as ErrorCode, 'what to do'));
    t.is(problem.status, status);
    t.like(problem.toJSON(), { type: 'about:blank', status, detail: 'what to do', error: code });
    t.true(typeof problem.toJSON()['title'] === 'string' && problem.toJSON()['title'] !== 'Error', code);
  }
});

test('a full disk, a read-only store and a busy one tell what kind of waiting helps', (t) => {
  const statusOf = (code: ErrorCode): number => problemOf(new LoglineError(code, '')).status;
  t.deepEqual([statusOf('disk_failed'), statusOf('read_only'), statusOf('overloaded')], [507, 503, 503]);
  t.is(problemOf(new LoglineError('overloaded', '')).headers['Retry-After'], '1');
  t.is(problemOf(new LoglineError('read_only', '')).headers['Retry-After'], undefined);
});

test('a bug of ours tells nothing of itself', (t) => {
  const problem = problemOf(new Error('secret/path: secret'));
  t.is(problem.status, 500);
  t.false(JSON.stringify(problem).includes('secret'));
});

test('further members never replace those of the standard', (t) => {
  const body = new HttpProblem('bad_request', 'why', {
    members: { status: 200, error: 'x', accepted: 3 },
  }).toJSON();
  t.like(body, { status: 400, error: 'bad_request', accepted: 3 });
});
