// The two short programs of the example.

import { randomBytes } from 'node:crypto';
import http from 'node:http';
import path from 'node:path';
import { claim } from '../harness.mjs';
import { serve } from '../tls.mjs';
import { Person } from './person.mjs';
import { hash, LIFE, sleep } from './provider.mjs';
import { balance, Replica } from './replicas.mjs';

/// Two processes, one Redis; and a store of one's own, which the other process does not know.
export async function replicas(programs, environment, ports) {
  const site = environment.OIDC_GATE_BASE_URL;
  const [a, b] = [ports.slice(0, 2), ports.slice(2)];
  for (const index of [0, 1]) {
    const listen = { LISTEN_A: `127.0.0.1:${a[index]}`, LISTEN_B: `127.0.0.1:${b[index]}` };
    await new Replica(path.join(programs, 'replicas'), { ...environment, ...listen }, b[index]).start();
  }
  const behind = [a[0]];
  await balance(Number(new URL(site).port), behind);
  const person = new Person('ragna', site);
  await signIn(person);
  const asked = async (port) => {
    behind[0] = port;
    return person.ask('/');
  };
  const here = await asked(a[0]);
  const there = await asked(a[1]);
  claim('replicas: a session that began in one process is there in the other', [here, there].every(({ text }) => text === 'Name of ragna'), `${here.text} ${there.text}`);
  const elsewhere = await asked(b[0]);
  claim('replicas: a store of one’s own is another store', elsewhere.status === 303, elsewhere.status);
  const other = new Person('ragnab', site);
  await signIn(other);
  const own = await other.ask('/');
  claim('replicas: … which keeps sessions too', own.text === 'Name of ragnab', own.text);
}

/// The user's token goes to another service, in a handler and in a socket that is open for longer than a token lives.
export async function downstream(programs, provider, environment, [port, ordersPort]) {
  const site = environment.OIDC_GATE_BASE_URL;
  const shown = [];
  const orders = http.createServer(async (request, response) => {
    const token = hash(request.headers.authorization?.replace(/^Bearer /, '') ?? '');
    const known = provider.tokens.get(token);
    shown.push({ token, isFresh: known?.until > Date.now() });
    if (request.url === '/feed') await sleep(300);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ of: known?.who }));
  });
  await serve(orders, ordersPort);
  const listen = { LISTEN: `127.0.0.1:${port}`, ORDERS: `http://127.0.0.1:${ordersPort}` };
  await new Replica(path.join(programs, 'downstream'), { ...environment, ...listen }, port).start();
  await balance(Number(new URL(site).port), [port]);
  const person = new Person('dagmar', site);
  await signIn(person, '/orders');
  const answer = await person.ask('/orders');
  claim('downstream: another service knows the user by the token', answer.json?.of === 'dagmar', answer.text);

  const messages = [];
  const socket = await open(new URL('/feed', site), person.cookie(new URL(site)), (text) => messages.push(text));
  shown.length = 0;
  await sleep(2.5 * LIFE * 1000);
  const [asked, closed] = [[...shown], new Promise((resolve) => socket.once('close', () => resolve(true)))];
  const tokens = new Set(asked.map(({ token }) => token));
  claim('downstream: a socket outlives its tokens', tokens.size >= 2 && messages.length > 10, `${tokens.size} tokens, ${messages.length} messages`);
  claim('downstream: … each of which was good when it was shown', asked.every(({ isFresh }) => isFresh), JSON.stringify(asked));
  claim('downstream: … and was the user’s', messages.every((text) => JSON.parse(text).of === 'dagmar'), messages[0]);
  await person.submit(new URL('/oauth2/sign_out', site), {});
  claim('downstream: … and the socket ends with its session', await Promise.race([closed, sleep(1000)]));
}

/// The pages of these programs are text.
async function signIn(person, path = '/') {
  const page = await person.signIn(path);
  if (!page.includes(person.name)) throw new Error(`${person.name} sees ${page}`);
}

/// A WebSocket, as far as reading short texts goes (RFC 6455 § 5.2).
function open(url, cookie, read) {
  const headers = { cookie, origin: url.origin, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13', 'sec-websocket-key': randomBytes(16).toString('base64') };
  return new Promise((resolve, reject) => {
    const request = http.request(url, { headers });
    request.on('response', (answer) => reject(new Error(`no WebSocket: ${answer.statusCode}`)));
    request.on('error', reject);
    request.on('upgrade', (_, socket, head) => {
      let bytes = head;
      socket.on('data', (more) => {
        bytes = Buffer.concat([bytes, more]);
        for (;;) {
          const length = bytes[1];
          if (bytes.length < 2 || bytes.length < 2 + length) return;
          if ((bytes[0] & 15) === 1) read(bytes.subarray(2, 2 + length).toString());
          bytes = bytes.subarray(2 + length);
        }
      });
      socket.on('error', () => {});
      resolve(socket);
    });
    request.end();
  });
}
