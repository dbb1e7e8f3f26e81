// A certificate authority for one test run, and HTTPS in front of a program that speaks plain HTTP, as a proxy does in
// production.

import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterwards } from './harness.mjs';

const execute = promisify(execFile);

/// Makes a certificate authority and one server certificate for `localhost` and `127.0.0.1` in `directory`, and a home
/// directory whose user trusts the authority. Nothing is switched off in the browser: it checks names and signatures as
/// it always does.
export async function makeAuthority(directory) {
  const at = (name) => path.join(directory, name);
  const openssl = (...args) => execute('openssl', args, { cwd: directory });
  await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
    '-subj', '/CN=oidc-gate test authority', '-keyout', 'ca.key', '-out', 'ca.pem',
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign');
  await openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
    '-subj', '/CN=localhost', '-keyout', 'server.key', '-out', 'server.csr');
  await writeFile(at('server.ext'), [
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    'basicConstraints=critical,CA:FALSE',
    'keyUsage=critical,digitalSignature',
    'extendedKeyUsage=serverAuth',
  ].join('\n'));
  await openssl('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
    '-extfile', 'server.ext', '-out', 'server.pem');

  const home = at('home');
  const database = path.join(home, '.pki/nssdb');
  await mkdir(database, { recursive: true });
  await execute('certutil', ['-N', '--empty-password', '-d', `sql:${database}`]);
  await execute('certutil', ['-A', '-d', `sql:${database}`, '-n', 'oidc-gate test authority', '-t', 'C,,', '-i', at('ca.pem')]);

  return { caFile: at('ca.pem'), home, server: { key: await readFile(at('server.key')), cert: await readFile(at('server.pem')), ca: await readFile(at('ca.pem')) } };
}

/// A client's certificate in `directory`: by the authority there, or by itself. The files, and the certificate's text.
export async function makeClientCertificate(directory, name, { selfSigned }) {
  const at = (end) => path.join(directory, `${name}.${end}`);
  const openssl = (...args) => execute('openssl', args, { cwd: directory });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`, '-keyout', at('key')];
  if (selfSigned) {
    await openssl('req', '-x509', ...key, '-days', '2', '-out', at('crt'));
  } else {
    await openssl('req', ...key, '-out', at('csr'));
    await writeFile(at('ext'), 'basicConstraints=critical,CA:FALSE\nextendedKeyUsage=clientAuth\n');
    await openssl('x509', '-req', '-in', at('csr'), '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2',
      '-extfile', at('ext'), '-out', at('crt'));
  }
  return { cert: at('crt'), key: at('key'), text: await readFile(at('crt'), 'utf8') };
}

/// The key of a certificate as a client registers it, with the certificate.
export function publicKeyOf({ text }) {
  const certificate = new X509Certificate(text);
  return { ...certificate.publicKey.export({ format: 'jwk' }), use: 'sig', x5c: [certificate.raw.toString('base64')] };
}

/// Serves `https://localhost:port` from the plain HTTP server on `127.0.0.1:target`; the `Host` header stays as it came.
export async function terminateTls({ key, cert }, port, target) {
  const server = https.createServer({ key, cert }, (request, response) => {
    const { method, url: path, rawHeaders: headers } = request;
    const onward = http.request({ host: '127.0.0.1', port: target, method, path, headers, setHost: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    request.pipe(onward);
  });
  await serve(server, port);
}

/// Listens on the loopback interface until the test is over.
export async function serve(server, port) {
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  afterwards(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
}
