// What both browser tests stand on: claims, a deadline, processes, free ports, Chromium.

import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

/// Where a test has an empty page of its own on a site of ours; see `fetchAsScript`.
export const EMPTY_PAGE = '/an-empty-page-of-the-test';

const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
const cleanups = [];
let claims = 0;

/// Runs a test to its end: everything it started is stopped, and the process exits 0 only if every claim held.
export async function run(name, test, { deadlineSeconds = 180 } = {}) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${deadlineSeconds} s`)), deadlineSeconds * 1000);
  });
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => reject(new Error(`stopped by ${signal}`)));
  });
  let failure;
  try {
    await Promise.race([test(), late, interrupted]);
  } catch (error) {
    failure = error;
    console.error(`not ok  ${error.stack ?? error}`);
    await showWhatWasThere().catch((trouble) => console.error(trouble));
  }
  clearTimeout(timer);
  for (const undo of cleanups.reverse()) await Promise.resolve(undo()).catch(() => {});
  console.log(failure ? `${name}: failed after ${claims} claims` : `${name}: ${claims} claims hold`);
  process.exit(failure ? 1 : 0);
}

/// States a claim; the first one that does not hold ends the test.
export function claim(text, holds, seen = '') {
  if (!holds) throw new Error(`${text}${seen === '' ? '' : ` (seen: ${seen})`}`);
  claims += 1;
  console.log(`ok      ${text}`);
}

/// Records a fact that is worth reading but is not promised.
export function note(text) {
  console.log(`note    ${text}`);
}

/// Runs `undo` when the test is over, last registered first.
export function afterwards(undo) {
  cleanups.push(undo);
}

/// A directory of this run's own.
export async function scratchDirectory() {
  const directory = await mkdtemp(path.join(tmpdir(), 'oidc-gate-browser-'));
  afterwards(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

/// `count` different ports of the loopback interface that nothing listens on.
export async function freePorts(count) {
  // All are held at once and then released, or the system might hand out one twice.
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = net.createServer();
      await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/// Starts a program with exactly the environment given (and `PATH`), and waits until it listens on `port`.
export async function startProgram(file, { args = [], environment = {}, port }) {
  const child = spawn(file, args, { env: { PATH: process.env.PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  const program = { output: '' };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (program.output += bytes));
  let ended;
  const exit = new Promise((resolve) => {
    child.once('error', (error) => resolve((ended = error.message)));
    child.once('exit', (code, signal) => resolve((ended = `exited with ${code ?? signal}`)));
  });
  programs.push([path.basename(file), program]);
  program.stop = async (seconds = 5) => {
    if (ended === undefined) child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), seconds * 1000);
    await exit;
    clearTimeout(patience);
  };
  program.kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  program.pid = child.pid;
  afterwards(() => program.stop());
  while (!(await listens(port))) {
    if (ended !== undefined) throw new Error(`${file} ${ended} before it listened:\n${program.output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return program;
}

/// Headless Chromium that can reach nothing but this machine. `home` is where it looks for added certificate authorities;
/// `more` are arguments beside the usual.
export async function startChromium(home, more = []) {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    env: { ...process.env, HOME: home },
    args: [
      '--no-sandbox', // Chromium refuses to start a sandbox as root, which is who runs tests in a container.
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      ...more,
    ],
  });
  afterwards(() => browser.close());
  note(`Chromium ${browser.version()}, Node ${process.versions.node}`);
  return browser;
}

/// A browser profile of its own whose pages are watched: `watched.complaints` are the errors, policy violations and
/// uncaught exceptions on pages of `origins`; `watched.documents` the HTML documents they sent, with their headers.
export async function newProfile(browser, origins, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', ...options });
  context.setDefaultTimeout(15_000);
  const watched = { complaints: [], documents: [] };
  const ours = (url) => origins.some((origin) => url === origin || url.startsWith(`${origin}/`));
  context.on('page', (page) => {
    pages.add(page);
    page.on('pageerror', (error) => ours(page.url()) && watched.complaints.push(`${page.url()}: ${error}`));
    page.on('console', (message) => {
      if (!['error', 'warning'].includes(message.type()) || !ours(page.url())) return;
      // Chromium reports every answer of 400 and above this way, the ones a test asks for on purpose too; their status
      // is asserted where they are asked for.
      if (/^Failed to load resource: the server responded with a status of/.test(message.text())) return;
      watched.complaints.push(`${page.url()}: ${message.text()}`);
    });
    page.on('response', (response) => {
      const headers = response.headers();
      const isDocument = response.request().isNavigationRequest() && /^text\/html\b/.test(headers['content-type'] ?? '');
      if (isDocument && ours(response.url()) && !response.url().endsWith(EMPTY_PAGE)) {
        watched.documents.push({ url: response.url(), headers });
      }
    });
  });
  return { context, watched };
}

const artifacts = path.resolve(process.env.ARTIFACTS ?? 'target/screenshots');

/// Writes a picture of the whole page for a person to look at.
export async function screenshot(page, name) {
  await mkdir(artifacts, { recursive: true });
  await page.screenshot({ path: path.join(artifacts, `${name}.png`), fullPage: true });
}

const programs = [];
const pages = new Set();

/// After a failure: what the programs said and what the browser showed.
async function showWhatWasThere() {
  for (const [name, { output }] of programs) console.error(`--- ${name} said:\n${output.slice(-6000)}`);
  for (const [index, page] of [...pages].entries()) {
    if (page.isClosed()) continue;
    console.error(`--- the browser was at ${page.url()}:\n${(await page.locator('body').innerText({ timeout: 2000 })).slice(0, 2000)}`);
    await screenshot(page, `failure-${index}`);
  }
}

function listens(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true) || socket.destroy());
    socket.once('error', () => resolve(false));
  });
}
