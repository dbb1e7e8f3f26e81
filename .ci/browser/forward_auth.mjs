// Real proxies ask the gate of examples/forward-auth about every request: nginx by `auth_request`, Caddy by `forward_auth`,
// with the configuration files that stand beside the example. Headless Chromium, HTTPS, a certified provider.
//
//   node forward_auth.mjs path/to/forward-auth

import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import https from 'node:https';
import path from 'node:path';
import { claim, freePorts, newProfile, note, run, scratchDirectory, screenshot, startChromium, startProgram } from './harness.mjs';
import { application, certifiedProvider, clickThrough, fetchAsScript } from './pages.mjs';
import { client, startProvider, userClaims } from './provider.mjs';
import { makeAuthority } from './tls.mjs';

const forwardAuth = path.resolve(process.argv[2] ?? 'target/debug/forward-auth');
const example = path.resolve(import.meta.dirname, '../../examples/forward-auth');
const user = userClaims('dagny');

const proxies = {
  nginx: {
    file: 'nginx.conf',
    start: (directory, port) =>
      startProgram('nginx', { args: ['-p', directory, '-c', 'nginx.conf', '-g', 'daemon off;'], port }),
  },
  caddy: {
    file: 'Caddyfile',
    start: (directory, port) =>
      startProgram('caddy', {
        args: ['run', '--config', path.join(directory, 'Caddyfile'), '--adapter', 'caddyfile'],
        environment: { HOME: directory },
        port,
      }),
  },
};

await run('forward-auth behind real proxies', async () => {
  const directory = await scratchDirectory();
  const authority = await makeAuthority(directory);
  const browser = await startChromium(authority.home);
  for (const proxy of Object.keys(proxies)) await behind(proxy, browser, authority, directory);
});

async function behind(proxy, browser, authority, directory) {
  const says = (text) => `${proxy}: ${text}`;
  const [publicPort, gatePort, applicationPort, unusedPort, providerPort] = await freePorts(5);
  const site = `https://localhost:${publicPort}`;
  const asked = [];
  const issuer = await startProvider({
    tls: authority.server,
    port: providerPort,
    redirectUri: `${site}/oauth2/callback`,
    requests: asked,
  });
  await startProgram(forwardAuth, {
    args: [proxy],
    port: gatePort,
    environment: {
      OIDC_GATE_ISSUER_URL: issuer,
      OIDC_GATE_CLIENT_ID: client.id,
      OIDC_GATE_CLIENT_SECRET: client.secret,
      OIDC_GATE_BASE_URL: site,
      // Signing out at the provider is what logout.mjs is about.
      OIDC_GATE_SIGN_OUT: 'here',
      OIDC_GATE_COOKIE_SECRET: randomBytes(32).toString('base64'),
      OIDC_GATE_CA_FILE: authority.caFile,
      PORT: String(gatePort),
      APPLICATION_PORT: String(applicationPort),
      PROVIDER_PORT: String(unusedPort),
    },
  });
  await configure(proxies[proxy].file, directory, { 8443: publicPort, 4180: gatePort, 4181: applicationPort });
  await proxies[proxy].start(directory, publicPort);
  const raw = (target, headers = {}) => ask(authority.server.ca, publicPort, target, headers);

  // Nobody is signed in.
  const { context } = await newProfile(browser, [site]);
  const refused = await fetchAsScript(context, `${site}/api/me`);
  claim(says('a script that is not signed in gets 401'), refused.status === 401, refused.status);
  claim(says('… as JSON'), refused.type.startsWith('application/json') && JSON.parse(refused.body).error === 'unauthenticated', refused.body);
  for (const target of ['/', '/public/a', '/public/a?allowed_groups=x&b=%2F..', '/public/a?/../b']) {
    const answer = await raw(target);
    claim(says(`${target} is open`), answer.status === 200 && answer.said?.target === target, `${answer.status} ${answer.body}`);
    claim(says('… to nobody'), answer.said.user.length === 0, answer.body);
  }
  const tricks = [
    '/public/..%2fadmin', '//public/a', '//evil.example/public/a', '/public%2f..%2fadmin', '/public/../admin', '/public/%2e%2e/admin',
    '/public/..%5cadmin', '/public/..\\admin', '/public//a', '/public/./a', '/public/a;x', '/public/%252e%252e/admin', '/public/%00',
    '/%70ublic/a', '/PUBLIC/a', '/publicity', '/admin#/public/a', '/admin%23/../public/a', '/me?x=/public/a', '/oauth2/../admin',
    '/oauth2/..%2fadmin', '/public/a#/../../admin', '/me', '/admin', '/public/../oauth2/../me',
  ];
  for (const target of tricks) {
    const answer = await raw(target);
    // What the application has seen shows in its answer; nothing protected may.
    const seen = answer.said?.target;
    claim(says(`${target} opens nothing`), seen === undefined || seen === '/public/a', `${answer.status} ${answer.body}`);
    claim(says('… and is no error of the proxy’s'), answer.status < 500, answer.status);
  }
  for (const [name, value] of [
    ['x-original-uri', '/public/a'], ['x-original-url', '/public/a'], ['x-original-method', 'GET'], ['x-forwarded-uri', '/public/a'],
    ['x-forwarded-method', 'GET'], ['x-rewrite-url', '/public/a'], ['x_original_uri', '/public/a'], ['x_forwarded_uri', '/public/a'],
    ['x-forwarded-for', '127.0.0.1'], ['x-real-ip', '127.0.0.1'], ['forwarded', 'for=127.0.0.1'], ['x-forwarded-host', 'evil.example'],
    ['x-auth-request-user', 'root'], ['x_auth_request_user', 'root'], ['connection', 'x-original-uri, x-forwarded-uri, x-original-method'],
    ['user-agent', 'GoogleHC/1.0'], ['content-type', 'application/grpc'],
  ]) {
    const answer = await raw('/me', { [name]: value, accept: 'text/html', 'sec-fetch-mode': 'cors' });
    claim(says(`${name}: ${value} opens nothing`), [401, 403].includes(answer.status) && !answer.said, answer.status);
  }
  for (const name of ['x-auth-request-user', 'X-AUTH-Request-Groups', 'x_auth_request_user', 'x-auth-request_email']) {
    const answer = await raw('/public/a', { [name]: 'root' });
    const named = answer.said ? [...answer.said.user, ...answer.said.email, ...answer.said.groups] : [];
    claim(says(`${name} of a client does not reach the application`), named.length === 0, answer.body);
  }

  // A deep link, the login, and back.
  const page = await context.newPage();
  const deep = `${site}/reports/2026?tab=2&of=a%26b`;
  await page.goto(deep);
  await certifiedProvider.login(page).waitFor();
  claim(says('a protected page leads to the provider'), new URL(page.url()).origin === issuer, page.url());
  await certifiedProvider.login(page).fill(user.sub);
  await certifiedProvider.password(page).fill('anything');
  await certifiedProvider.signIn(page).click();
  await certifiedProvider.consent(page).click();
  await page.waitForURL(`${site}/**`);
  claim(says('the login ends on the page that was asked for'), page.url() === deep, page.url());
  const shown = JSON.parse(await page.locator('pre').innerText());
  claim(says('… which the application has answered'), shown.target === '/reports/2026?tab=2&of=a%26b', shown.target);
  claim(says('… for the user, named once'), shown.user.length === 1 && shown.user[0] === user.sub, shown.user);
  claim(says('… with address and groups'), shown.email[0] === user.email && shown.groups[0] === user.groups.join(','), `${shown.email} ${shown.groups}`);
  await screenshot(page, `forward-auth-${proxy}`);

  // Signed in.
  const before = asked.length;
  const allowed = await fetchAsScript(context, `${site}/api/me`);
  claim(says('a script that is signed in gets 200 and JSON'), allowed.status === 200 && JSON.parse(allowed.body).user[0] === user.sub, allowed.body);
  claim(says('… without asking the provider anything'), asked.length === before, asked.slice(before));
  const cookie = (await context.cookies(site)).map(({ name, value }) => `${name}=${value}`).join('; ');
  for (const target of ['/admin', '/public/..%2fadmin', '/ADMIN/', '//admin', '/x/..%2fadmin']) {
    const answer = await raw(target, { cookie });
    claim(says(`${target} asks for a group that the user lacks`), answer.status === 403, `${answer.status} ${answer.body}`);
  }
  for (const [name, value] of [
    ['connection', 'close, X-Auth-Request-User'], ['connection', 'X-Auth-Request-User, X-Auth-Request-Email, X-Auth-Request-Groups'],
    ['connection', 'keep-alive, Cookie'], ['connection', 'X-Forwarded-Uri, X-Original-Uri'],
    ['x-forwarded-for', '192.0.2.1'], ['x-real-ip', '192.0.2.1'],
  ]) {
    const answer = await raw('/me', { cookie, [name]: value });
    const whole = answer.said?.user.join() === user.sub && answer.said.groups.join() === user.groups.join(',');
    claim(says(`${name}: ${value} takes nothing off what the gate says`), answer.status === 200 && whole, `${answer.status} ${answer.body}`);
    claim(says('… nor makes an address of the client'), !answer.said.from.join().includes('192.0.2.1'), answer.body);
  }
  for (const name of ['X-HTTP-Method-Override', 'x-http-method', 'X-Method-Override']) {
    const answer = await raw('/me', { cookie, [name]: 'DELETE' });
    claim(says(`${name} of a client reaches nobody`), answer.status === 200 && answer.said.overridden.length === 0, answer.body);
  }
  for (const name of ['x-auth-request-user', 'X-Auth-Request-Groups', 'x_auth_request_user', 'x-auth-request_groups']) {
    const answer = await raw('/me', { cookie, [name]: 'root' });
    const named = answer.said ? [...answer.said.user, ...answer.said.groups] : [];
    claim(says(`${name} of a user does not reach the application`), !named.includes('root'), answer.body);
  }
  await page.setExtraHTTPHeaders({ 'X-Auth-Request-User': 'root', 'X-Auth-Request-Groups': 'admins' });
  await page.goto(`${site}/me`);
  const forged = JSON.parse(await page.locator('pre').innerText());
  claim(says('… nor from a page of a browser'), forged.user.join() === user.sub && forged.groups.join() === user.groups.join(','), JSON.stringify(forged));
  await page.setExtraHTTPHeaders({});
  const cross = await raw('/me', { cookie, 'sec-fetch-site': 'cross-site' });
  claim(says('a link from another site is followed'), cross.status === 200, cross.status);
  const posted = await ask(authority.server.ca, publicPort, '/me', { cookie, 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }, 'POST');
  claim(says('a form of another site is not'), posted.status === 403 && !posted.said, posted.status);
  if (proxy === 'nginx') {
    const staff = await raw('/staff/x', { cookie });
    claim(says('a demand of the proxy’s own is met'), staff.status === 200 && staff.said.user[0] === user.sub, staff.status);
    const nobody = await raw('/staff/x');
    claim(says('… by nobody who is not signed in'), nobody.status === 401, nobody.status);
  }

  // Signed out again.
  await page.goto(`${site}/me`);
  await clickThrough(page, application.signOut(page));
  claim(says('signing out ends on a page of the site'), new URL(page.url()).origin === site, page.url());
  const kept = (await context.cookies(site)).map(({ name }) => name);
  claim(says('signing out takes the cookies away'), kept.length === 0, kept);
  const after = await fetchAsScript(context, `${site}/api/me`);
  claim(says('a script gets 401 after signing out'), after.status === 401, after.status);
  const stolen = await raw('/me', { cookie });
  claim(says('a copy of the cookie gets 401 too'), stolen.status === 401, stolen.status);
  const logins = asked.filter((request) => request === 'GET /auth').length;
  await page.goto(`${site}/me`);
  claim(says('a protected page asks the provider again'), asked.filter((request) => request === 'GET /auth').length === logins + 1, page.url());
  note(says('its own session then led back'));
  await context.close();
}

/// The example's file with this run's ports in the place of its own, and certificates beside it.
async function configure(file, directory, ports) {
  let text = await readFile(path.join(example, file), 'utf8');
  for (const [its, ours] of Object.entries(ports)) {
    claim(`${file} names port ${its}`, text.includes(`:${its}`));
    text = text.replaceAll(`:${its}`, `:${ours}`);
  }
  // Caddy looks beside where it was started.
  text = text.replace('tls server.pem server.key', `tls ${directory}/server.pem ${directory}/server.key`);
  await writeFile(path.join(directory, file), text);
}

/// A request whose target is sent as it stands. `said` is what the application has answered, if it was asked.
function ask(ca, port, target, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    const request = https.request({ host: '127.0.0.1', servername: 'localhost', port, ca, method, path: target, headers: { host: `localhost:${port}`, ...headers } }, (answer) => {
      let body = '';
      answer.setEncoding('utf8').on('data', (text) => (body += text)).on('end', () => {
        const shown = /<pre>(.*)<\/pre>/.exec(body)?.[1].replaceAll('&lt;', '<').replaceAll('&amp;', '&');
        const json = shown ?? (body.startsWith('{"email"') ? body : undefined);
        resolve({ status: answer.statusCode, body: body.slice(0, 500), said: json && JSON.parse(json) });
      });
    });
    request.once('error', reject).end();
  });
}
