// Connections that stay open: each tells what it has heard, and how it has ended.

import { randomBytes } from 'node:crypto';
import http from 'node:http';

/// What became of a request that was to become a connection, where it did not.
export class Refused extends Error {
  constructor({ statusCode }) {
    super(`refused with ${statusCode}`);
    this.status = statusCode;
  }
}

/// Opens one to the process that listens at `port`, with what a browser sends that is at `site`. `kind` is one of the two below.
///
/// Answers when it is open: `heard` is every message so far, `ended` is what there is to say at the end.
export function connect(kind, port, site, cookie) {
  return new Promise((resolve, reject) => {
    const request = http.request({ agent: false, host: '127.0.0.1', port, path: kind.path, headers: { host: site.host, cookie, ...kind.headers(site) } });
    request.once('error', reject);
    const open = (stream, head) => {
      const connection = { kind, port, heard: [], isOpen: true };
      connection.ended = new Promise((end) => {
        kind.read(stream, head, connection, (how) => {
          if (!connection.isOpen) return;
          connection.isOpen = false;
          end(Object.assign(connection, { at: performance.now(), ...how }));
        });
      });
      connection.leave = () => stream.destroy();
      resolve(connection);
    };
    request.once('upgrade', (_, socket, head) => open(socket, head));
    request.once('response', (answer) => (kind.isOpened(answer) ? open(answer, Buffer.alloc(0)) : reject(new Refused(answer))));
    request.end();
  });
}

/// RFC 6455, as far as short messages go (section 5.2). It ends with a `code` and a `reason` (section 7.4).
export const webSocket = {
  name: 'WebSocket',
  path: '/ws',
  headers: ({ origin }) => ({
    origin,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    'sec-fetch-mode': 'websocket',
    'sec-fetch-site': 'same-origin',
  }),
  isOpened: () => false,
  read(socket, head, connection, end) {
    let bytes = head;
    const take = (more) => {
      bytes = Buffer.concat([bytes, more]);
      while (bytes.length >= 2 && bytes.length >= 2 + bytes[1]) {
        const [kind, payload] = [bytes[0] & 15, bytes.subarray(2, 2 + bytes[1])];
        bytes = bytes.subarray(2 + bytes[1]);
        if (kind === 1) connection.heard.push(payload.toString());
        if (kind !== 8) continue;
        end({ code: payload.readUInt16BE(0), reason: payload.subarray(2).toString() });
        // The same in answer, under a mask that changes nothing.
        socket.end(Buffer.concat([Buffer.from([0x88, 0x80 | payload.length, 0, 0, 0, 0]), payload]));
      }
    };
    socket.on('data', take).on('error', () => {}).on('close', () => end({ code: 1006, reason: '' }));
    take(Buffer.alloc(0));
  },
};

/// Server-sent events. It ends with the name and the data of the `last` event.
export const eventStream = {
  name: 'events',
  path: '/events',
  headers: () => ({ accept: 'text/event-stream', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty', 'sec-fetch-site': 'same-origin' }),
  isOpened: ({ statusCode }) => statusCode === 200,
  read(answer, _, connection, end) {
    let [text, last] = ['', ''];
    answer.setEncoding('utf8').on('data', (more) => {
      const events = (text + more).split('\n\n');
      text = events.pop();
      for (last of events) connection.heard.push(last);
    });
    answer.on('error', () => {}).on('end', () => end({ last })).on('close', () => end({ last: 'broken off' }));
  },
};
