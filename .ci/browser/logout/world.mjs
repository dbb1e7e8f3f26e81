// What logouts happen between: an application of two processes behind one HTTPS address, and a certified provider whose letters
// and answers can be looked at and held.

import { randomBytes } from 'node:crypto';
import http from 'node:http';
import https from 'node:https';
import { claim } from '../harness.mjs';
import { certifiedProvider, fetchAsScript } from '../pages.mjs';
import { client, startProvider } from '../provider.mjs';
import { Replica } from '../sessions/replicas.mjs';
import { serve } from '../tls.mjs';

/// The provider's page that asks whether to sign out.
export const question = {
  yes: (page) => page.getByRole('button', { name: 'Yes, sign me out' }),
};

/// The provider of an application at `site`. `letters` are the logout tokens that it has sent, and the answers; `logins` the
/// sessions of its that a login came of; `asked` what was asked of it. While `held` is a promise, answers with tokens wait for it.
export async function startLogoutProvider({ tls, port, site, endSession = true }) {
  const told = { letters: [], logins: [], asked: [], held: undefined };
  const trusting = new https.Agent({ ca: tls.ca });
  told.issuer = await startProvider({
    tls,
    port,
    redirectUri: `${site}/oauth2/callback`,
    requests: told.asked,
    registered: {
      grant_types: ['authorization_code', 'refresh_token'],
      post_logout_redirect_uris: endSession ? [`${site}/oauth2/signed_out`] : undefined,
      ...(endSession && {
        backchannel_logout_uri: `${site}/oauth2/backchannel_logout`,
        backchannel_logout_session_required: true,
      }),
    },
    configuration: {
      issueRefreshToken: () => true,
      ttl: { AccessToken: 600, Grant: 600, IdToken: 600, Interaction: 600, RefreshToken: 600, Session: 600 }, // seconds
      features: {
        revocation: { enabled: true },
        backchannelLogout: { enabled: endSession },
        rpInitiatedLogout: { enabled: endSession },
      },
      // Its own would not send anything to this machine.
      fetch: async (url, { body }) => {
        const letter = { token: new URLSearchParams(body).get('logout_token') };
        told.letters.push(letter);
        Object.assign(letter, await post(url, letter.token, trusting));
        return new Response(letter.text || null, { status: letter.status });
      },
    },
    watch: (provider) => {
      told.provider = provider;
      provider.on('authorization.success', ({ oidc }) => told.logins.push({ who: oidc.session.accountId, sid: oidc.session.sidFor(client.id) }));
      provider.use(async (context, next) => {
        await next();
        if (context.path === '/token') await told.held;
      });
    },
  });
  /// What an administrator does there: the session ends, the application is told, and whatever was issued stays good.
  told.logOut = async ({ who, sid }) => {
    const registered = await told.provider.Client.find(client.id);
    await registered.backchannelLogout(who, sid).catch(({ message }) => message);
    return told.letters.at(-1);
  };
  return told;
}

/// Sends a logout token as the provider does.
export function post(url, token, agent) {
  const body = new URLSearchParams({ logout_token: token }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const request = https.request(url, { method: 'POST', headers, agent }, async (answer) => {
      let text = '';
      for await (const bytes of answer) text += bytes;
      resolve({ status: answer.statusCode, text, headers: answer.headers });
    });
    request.once('error', reject).end(body);
  });
}

/// `https://localhost:port`, in front of processes that speak plain HTTP. Requests go to port `to`, those of the provider itself
/// to `letters`; `log` has all of them. While `held` is a promise, the ways back from the provider wait for it.
export async function startFront({ key, cert }, port, to) {
  const front = { to, letters: to, log: [] };
  const server = https.createServer({ key, cert }, async (request, response) => {
    const { method, url: path, rawHeaders } = request;
    front.log.push({ method, path, headers: request.headers });
    if (path.startsWith('/oauth2/callback')) await front.held;
    const target = path.startsWith('/oauth2/backchannel_logout') ? front.letters : front.to;
    const onward = http.request({ host: '127.0.0.1', port: target, method, path, headers: rawHeaders, setHost: false }, (answer) => {
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      answer.pipe(response);
    });
    onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()));
    request.pipe(onward);
  });
  await serve(server, port);
  return front;
}

/// The processes of the application, at these ports.
export async function startReplicas(program, { site, issuer, caFile, store, ports, more = {} }) {
  const environment = {
    OIDC_GATE_ISSUER_URL: issuer,
    OIDC_GATE_CLIENT_ID: client.id,
    OIDC_GATE_CLIENT_SECRET: client.secret,
    OIDC_GATE_BASE_URL: site,
    OIDC_GATE_COOKIE_SECRET: randomBytes(32).toString('base64'),
    OIDC_GATE_CA_FILE: caFile,
    STORE: store,
    RUST_LOG: process.env.RUST_LOG ?? 'info',
    ...more,
  };
  const replicas = ports.map((port) => new Replica(program, { ...environment, LISTEN: `127.0.0.1:${port}` }, port));
  await Promise.all(replicas.map((replica) => replica.start()));
  return replicas;
}

/// Fills in what the provider asks, and does not wait for where this leads if it is to be left alone.
export async function fillIn(page, who, { andLeave = false } = {}) {
  await certifiedProvider.login(page).fill(who);
  await certifiedProvider.password(page).fill('anything');
  await certifiedProvider.signIn(page).click();
  await certifiedProvider.consent(page).click({ noWaitAfter: andLeave });
}

/// Signs in at the application, from its first page.
export async function signIn(page, site, who) {
  await page.goto(`${site}/`);
  await fillIn(page, who);
  await page.waitForURL(`${site}/`);
  const shown = JSON.parse(await page.locator('body').innerText());
  claim(`${who} signs in`, shown.sub === who, JSON.stringify(shown));
}

/// Whom the application takes this browser for, in each of its processes: a name, or a status.
export async function whoIn(context, site, front, ports) {
  const before = front.to;
  const found = [];
  for (const port of ports) {
    front.to = port;
    const { status, body } = await fetchAsScript(context, `${site}/`);
    found.push(status === 200 ? JSON.parse(body).sub : status);
  }
  front.to = before;
  return found.join();
}
