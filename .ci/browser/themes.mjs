// The gate's pages in an application's own look, which examples/operations gives them: light and dark, wide and narrow, with a
// mouse and with the keyboard, and without a script.
//
//   node themes.mjs path/to/operations

import path from 'node:path';
import { claim, freePorts, newProfile, run, scratchDirectory, screenshot, startChromium, startProgram } from './harness.mjs';
import { canBeRead, developmentProvider, fetchAsScript, fitsANarrowScreen, hasNoScript, heldThePolicy, isAccessible, shows, signOutThrough, tabTo } from './pages.mjs';

const operations = path.resolve(process.argv[2] ?? 'target/debug/operations');

await run('pages in an application’s own look', async () => {
  const [port, providerPort, metricsPort] = await freePorts(3);
  const site = `http://localhost:${port}`;
  const environment = { PORT: String(port), PROVIDER_PORT: String(providerPort), METRICS_PORT: String(metricsPort) };
  const program = await startProgram(operations, { port, environment });
  const browser = await startChromium(await scratchDirectory());
  const origins = [site];

  for (const colorScheme of ['light', 'dark']) {
    for (const width of [1024, 320]) {
      const at = `${colorScheme}, ${width} pixels`;
      const picture = (name) => `theme-${name}-${colorScheme}-${width}`;
      const { context, watched } = await newProfile(browser, origins, { javaScriptEnabled: false, colorScheme, viewport: { width, height: 700 } });
      const page = await context.newPage();
      const looksRight = async (what, name) => {
        await isAccessible(page, `${what} (${at})`);
        await hasNoScript(page, `${what} (${at})`);
        await canBeRead(page, `${what} (${at})`);
        if (width === 320) await fitsANarrowScreen(page, `${what} (${at})`);
        const logo = page.locator('main img');
        const shown = await logo.evaluate((image) => image.complete && image.naturalWidth > 0);
        claim(`${what} (${at}) shows the logo`, shown);
        await shows(page, `${what} (${at})`, ['Acme Shop', 'Acme Ltd.']);
        await screenshot(page, picture(name));
      };

      const asked = await page.goto(`${site}/me?tab=2`);
      claim(`whoever is not signed in sees the sign-in page where they are (${at})`, asked.status() === 401 && page.url() === `${site}/me?tab=2`, `${asked.status()} ${page.url()}`);
      await looksRight('the sign-in page', 'sign-in');
      await page.getByRole('link', { name: 'Sign in' }).click();
      await developmentProvider.user(page, 'Bob Brown').click();
      await page.waitForURL(`${site}/me?tab=2`);
      await shows(page, `the page asked for (${at})`, ['hello Bob Brown']);

      const again = await page.goto(`${site}/oauth2/sign_in?rd=/me`);
      claim(`the sign-in page is there for whoever is signed in (${at})`, again.status() === 200);
      await page.goto(`${site}/me`);
      await shows(page, `whoever opened it is still signed in (${at})`, ['hello Bob Brown']);

      const refused = await page.goto(`${site}/admin`);
      claim(`a page for others is refused (${at})`, refused.status() === 403);
      await looksRight('the page of a refusal', 'forbidden');
      const failed = await page.goto(`${site}/oauth2/callback?state=x&error=access_denied`);
      await page.waitForURL(`${site}/`).catch(() => {});
      claim(`a stray callback changes nothing for whoever is signed in (${at})`, failed.ok() && page.url() === `${site}/`, page.url());
      await page.goto(`${site}/oauth2/sign_out`);
      await looksRight('the question whether to sign out', 'sign-out');
      await signOutThrough(page, page.getByRole('button', { name: 'Sign out' }), site);
      await looksRight('the page after signing out', 'signed-out');
      await page.goto(`${site}/oauth2/callback?state=x&error=access_denied`);
      await looksRight('the page of a failed login', 'failed');
      heldThePolicy(at, watched);
      await context.close();
    }
  }

  // With the keyboard alone.
  {
    const { context, watched } = await newProfile(browser, origins, { colorScheme: 'dark' });
    const page = await context.newPage();
    await page.goto(`${site}/admin`);
    await tabTo(page, /^Sign in$/, 'the sign-in page');
    await screenshot(page, 'theme-sign-in-focus');
    await page.keyboard.press('Enter');
    await developmentProvider.user(page, 'Alice Adams').waitFor();
    await tabTo(page, 'Alice Adams', 'the provider’s page');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${site}/admin`);
    await shows(page, 'the page asked for', ['the control room']);
    await page.goto(`${site}/oauth2/sign_out`);
    await tabTo(page, /^Sign out$/, 'the question whether to sign out');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'You are signed out' }).waitFor();
    const answer = await fetchAsScript(context, `${site}/me`);
    claim('a script gets JSON and no page', answer.status === 401 && answer.type === 'application/json', `${answer.status} ${answer.type}`);
    heldThePolicy('with the keyboard', watched);
    await context.close();
  }

  const get = async (address) => {
    const response = await fetch(address);
    return { status: response.status, text: await response.text() };
  };
  claim('ping answers', (await get(`${site}/oauth2/ping`)).text === 'OK\n');
  claim('ready answers', (await get(`${site}/oauth2/ready`)).text === 'OK\n');
  claim('the metrics are not on the public port', (await get(`${site}/oauth2/metrics`)).status === 404);
  const metrics = await get(`http://localhost:${metricsPort}/metrics`);
  claim('the metrics count the logins', /^oidc_gate_logins_succeeded_total 5$/m.test(metrics.text), metrics.text.slice(0, 500));
  claim('the access log names a caller by a hash', /answered status=403 .*user="[0-9a-f]{16}" check="request.forbidden"/.test(program.output) && !program.output.includes('bob@'), program.output.slice(-1500));
});
