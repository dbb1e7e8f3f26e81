// Redis, as a server that is alone, as a cluster of three, and watched by Sentinel: started, ended as by a power failure, and
// started again with what it had written.

import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterwards } from '../harness.mjs';
import { sleep } from './provider.mjs';

const execute = promisify(execFile);

class Server {
  static async start(directory, port, options = []) {
    const own = await mkdtemp(path.join(directory, 'redis-'));
    const server = new Server(port, own, [
      '--port', port, '--dir', own, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'yes', '--appendfsync', 'always',
      '--maxmemory-policy', 'noeviction', ...options,
    ]);
    await server.run();
    return server;
  }

  static async sentinel(directory, port, master) {
    const own = await mkdtemp(path.join(directory, 'sentinel-'));
    const file = path.join(own, 'sentinel.conf');
    await writeFile(file, `port ${port}\nbind 127.0.0.1\ndir ${own}\nsentinel monitor mymaster 127.0.0.1 ${master} 1\n` +
      'sentinel down-after-milliseconds mymaster 3000\nsentinel failover-timeout mymaster 6000\n');
    const server = new Server(port, own, [file, '--sentinel']);
    await server.run();
    return server;
  }

  constructor(port, directory, args) {
    Object.assign(this, { port, directory, args });
    afterwards(() => this.kill());
  }

  async run() {
    this.child = spawn('redis-server', [...this.args.map(String), '--logfile', path.join(this.directory, 'log')], { stdio: 'ignore' });
    this.child.once('error', (error) => console.error(`redis-server: ${error.message}`));
    await until(`Redis listens at ${this.port}`, async () => (await this.ask('ping')).endsWith('PONG'), this);
  }

  async kill() {
    if (this.child === undefined) return;
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    this.child = undefined;
    await ended;
  }

  async ask(...args) {
    const { stdout } = await execute('redis-cli', ['-p', String(this.port), ...args]).catch((error) => error);
    return stdout.trim();
  }
}

async function until(what, holds, server) {
  const begun = Date.now();
  while (!(await holds())) {
    if (Date.now() - begun > 30_000) throw new Error(`${what}: not within 30 s\n${await readFile(path.join(server.directory, 'log'), 'utf8')}`);
    await sleep(50);
  }
}

/// Ports that nothing listens on, below those that the system gives out by itself: a cluster needs others, 10 000 above.
async function ports(count) {
  const isFree = (port) => new Promise((resolve) => {
    const server = net.createServer().once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
  const found = [];
  while (found.length < count) {
    const port = 11_000 + Math.floor(Math.random() * 9_000);
    if (!found.includes(port) && (await isFree(port)) && (await isFree(port + 10_000))) found.push(port);
  }
  return found;
}

/// Each is its `address`, and `fail`: what goes wrong with it, until it is mended.
export async function standalone(directory) {
  const [port] = await ports(1);
  const server = await Server.start(directory, port);
  return {
    address: `redis://127.0.0.1:${port}`,
    fail: async () => {
      await server.kill();
      await sleep(1500);
      await server.run();
    },
  };
}

export async function cluster(directory) {
  const servers = [];
  for (const port of await ports(3)) servers.push(await Server.start(directory, port, ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']));
  await execute('redis-cli', ['--cluster', 'create', ...servers.map(({ port }) => `127.0.0.1:${port}`), '--cluster-yes']);
  const isWell = async () => {
    for (const server of servers) {
      await until('the cluster is well', async () => (await server.ask('cluster', 'info')).includes('cluster_state:ok'), server);
    }
  };
  await isWell();
  return {
    address: `redis-cluster://127.0.0.1:${servers[0].port}`,
    fail: async () => {
      await servers[1].kill();
      await sleep(1500);
      await servers[1].run();
      await isWell();
    },
  };
}

export async function sentinel(directory) {
  const [first, second, third] = await ports(3);
  const master = await Server.start(directory, first);
  const replica = await Server.start(directory, second, ['--replicaof', `127.0.0.1 ${first}`]);
  await until('the replica follows', async () => (await replica.ask('info', 'replication')).includes('master_link_status:up'), replica);
  const watcher = await Server.sentinel(directory, third, first);
  await until('Sentinel knows the replica', async () => (await watcher.ask('sentinel', 'replicas', 'mymaster')).includes(String(second)), watcher);
  return {
    address: `redis-sentinel://127.0.0.1:${third}/mymaster`,
    isAsynchronous: true,
    fail: async () => {
      await master.kill();
      await until('the replica takes over', async () => (await replica.ask('info', 'replication')).includes('role:master'), watcher);
      await until('Sentinel says so', async () => (await watcher.ask('sentinel', 'get-master-addr-by-name', 'mymaster')).includes(String(second)), watcher);
      await master.run();
    },
  };
}
