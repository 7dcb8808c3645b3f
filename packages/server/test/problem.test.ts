// How faults of the library and of requests become answers.
import test from 'ava';
import { LoglineError, type ErrorCode } from '@logline/federation-core';
import { HttpProblem, problemOf, STATUS_OF_CODE, withoutPaths } from '../dist/problem.js';

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

test('where the data lies is told to nobody who asks', (t) => {
  const told = {
    'cannot append to /srv/my data/log/0001: ENOSPC: no space left; free some':
      'cannot append to a file: ENOSPC: no space left; free some',
    "EACCES: permission denied, open '/srv/data/x y'; check it":
      'EACCES: permission denied, open a file; check it',
    'a failed write (index: cannot sync C:\\data\\index): mend the disk':
      'a failed write (index: cannot sync a file): mend the disk',
    'a read/write error at 3: ask ws://a.example:80/v1/federation':
      'a read/write error at 3: ask ws://a.example:80/v1/federation',
  };
  for (const [text, shown] of Object.entries(told)) t.is(withoutPaths(text), shown);
  for (const code of ['disk_failed', 'read_only', 'damaged'] as const)
    t.is(problemOf(new LoglineError(code, 'at /srv/data/log')).message, 'at a file');
  t.is(
    problemOf(new LoglineError('unknown_peer', 'GET /v1/nodes lists them')).message,
    'GET /v1/nodes lists them',
  );
});

test('further members never replace those of the standard', (t) => {
  const body = new HttpProblem('bad_request', 'why', {
    members: { status: 200, error: 'x', accepted: 3 },
  }).toJSON();
  t.like(body, { status: 400, error: 'bad_request', accepted: 3 });
});
