// A small name server on loopback: answers from a table over UDP and TCP, and can be told to misbehave.
import { createSocket } from 'node:dgram';
import { createServer, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import { decode, encode, type Answer, type DecodedPacket } from 'dns-packet';

export interface NameServer {
  readonly server: { readonly host: string; readonly port: number };
  /** `TYPE name` of every question, in order. */
  readonly asked: string[];
  records: readonly Answer[];
  /** What becomes of an answer: `answer` as it is, or anything else in its place; `undefined` is silence. */
  distort: (answer: Buffer, question: DecodedPacket) => Buffer | undefined;
  /** Over UDP says only that it did not fit. */
  truncates: boolean;
  /** Takes updates: the whole message, to the whole answer. */
  onUpdate: (message: Buffer) => Buffer | undefined;
}

const UPDATE = 5;

export async function openNameServer(
  t: ExecutionContext,
  records: readonly Answer[] = [],
): Promise<NameServer> {
  const tcp = createServer((socket) => serveTcp(socket));
  await new Promise<void>((done) => tcp.listen(0, '127.0.0.1', done));
  const at = tcp.address();
  const port = at !== null && typeof at === 'object' ? at.port : 0;
  const udp = createSocket('udp4');
  await new Promise<void>((done) => udp.bind(port, '127.0.0.1', done));
  const names: NameServer = {
    server: { host: '127.0.0.1', port },
    asked: [],
    records,
    distort: (answer) => answer,
    truncates: false,
    onUpdate: () => undefined,
  };
  udp.on('message', (message, from) => {
    const answer = answerTo(message, names.truncates);
    if (answer !== undefined) udp.send(answer, from.port, from.address);
  });
  const open = new Set<Socket>();
  t.teardown(() => {
    udp.close();
    tcp.close();
    for (const socket of open) socket.destroy();
  });

  function answerTo(message: Buffer, isCut: boolean): Buffer | undefined {
    if (((message.readUInt16BE(2) >> 11) & 0x0f) === UPDATE) return names.onUpdate(message);
    const question = decode(message);
    const [asked] = question.questions ?? [];
    if (asked === undefined) return undefined;
    names.asked.push(`${asked.type} ${asked.name}`);
    const isOf = (one: Answer): boolean => one.name.toLowerCase() === asked.name.toLowerCase();
    const alias = names.records.find((one) => one.type === 'CNAME' && isOf(one));
    const owner = alias?.type === 'CNAME' ? alias.data : asked.name;
    const found = names.records.filter((one) => one.type === asked.type && (isOf(one) || one.name === owner));
    const authorities = found.length > 0 ? [] : names.records.filter(({ type }) => type === 'SOA');
    const answer = encode({
      type: 'response',
      id: question.id ?? 0,
      flags: 0x0180 | (isCut ? 0x0200 : 0),
      questions: [asked],
      answers: isCut ? [] : [...(alias === undefined ? [] : [alias]), ...found],
      authorities: [...authorities],
    });
    return names.distort(answer, question);
  }

  function serveTcp(socket: Socket): void {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => open.delete(socket));
    let received = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      if (received.length < 2 || received.length < received.readUInt16BE(0) + 2) return;
      const answer = answerTo(received.subarray(2, received.readUInt16BE(0) + 2), false);
      if (answer === undefined) return;
      const head = Buffer.alloc(2);
      head.writeUInt16BE(answer.length);
      socket.write(Buffer.concat([head, answer]));
    });
  }

  return names;
}
