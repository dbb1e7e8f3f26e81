// Processes of one application behind one address: each request goes to the next of them, and to another one where the process
// has gone before it answered, as proxies do with a GET.

import http from 'node:http';
import { startProgram } from '../harness.mjs';
import { serve } from '../tls.mjs';
import { sleep, watchProcess } from './provider.mjs';

export class Replica {
  /// Every process that has been killed, and when.
  static killed = new Map();

  constructor(file, environment, port) {
    Object.assign(this, { file, environment, port });
  }

  async start() {
    this.program = await startProgram(this.file, { port: this.port, environment: this.environment });
    watchProcess(this.program.pid);
    // It knows the provider, and so can do what it is asked: what whoever replaces processes waits for.
    while ((await fetch(`http://127.0.0.1:${this.port}/oauth2/ready`)).status !== 200) await sleep(100);
  }

  async kill() {
    Replica.killed.set(this.program.pid, Date.now());
    await this.program.kill();
  }

  /// Asks it to end, which it does when what it has begun is done.
  stop() {
    return this.program.stop(30);
  }
}

/// Listens at `port` for the application whose processes are `ports`. `ports` may change.
export async function balance(port, ports) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
  let turn = 0;
  const pass = (request, response, first, tries) => {
    const to = ports[(first + tries) % ports.length];
    const { method, url, rawHeaders } = request;
    const onward = http.request({ agent, host: '127.0.0.1', port: to, method, path: url, headers: rawHeaders, setHost: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      answer.on('error', () => response.destroy()).pipe(response);
    });
    onward.on('error', () => {
      if (response.headersSent || response.destroyed) response.destroy();
      else if (tries < 4) pass(request, response, first, tries + 1);
      else response.writeHead(502).end();
    });
    response.once('close', () => response.writableFinished || onward.destroy());
    onward.end();
  };
  const server = http.createServer((request, response) => pass(request, response, (turn += 1), 0));
  server.keepAliveTimeout = 120_000; // longer than anybody here is silent
  server.on('upgrade', (request, socket) => {
    const onward = http.request({ host: '127.0.0.1', port: ports[0], path: request.url, headers: request.rawHeaders, setHost: false });
    onward.on('upgrade', (answer, upstream) => {
      const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
      socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`);
      for (const [one, other] of [[socket, upstream], [upstream, socket]]) one.on('error', () => other.destroy());
      socket.pipe(upstream).pipe(socket);
    });
    onward.on('response', (answer) => socket.end(`HTTP/1.1 ${answer.statusCode} No\r\n\r\n`));
    onward.on('error', () => socket.destroy()).end();
  });
  await serve(server, port);
}
