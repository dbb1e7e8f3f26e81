// The plain quickstart, as somebody sees it who cloned the repository and typed `cargo run`: the embedded development
// provider, plain HTTP on localhost, no environment but two free ports.
//
//   node quickstart.mjs path/to/quickstart

import path from 'node:path';
import { claim, freePorts, newProfile, note, run, scratchDirectory, screenshot, startChromium, startProgram } from './harness.mjs';
import { application, developmentProvider, fetchAsScript, fitsANarrowScreen, hasNoScript, heldThePolicy, isAccessible, shows, signOutThrough, tabTo } from './pages.mjs';

const quickstart = path.resolve(process.argv[2] ?? process.env.QUICKSTART ?? 'target/debug/quickstart');

await run('the quickstart as it is', async () => {
  const [port, providerPort] = await freePorts(2);
  const site = `http://localhost:${port}`;
  const program = await startProgram(quickstart, { port, environment: { PORT: String(port), PROVIDER_PORT: String(providerPort) } });
  const browser = await startChromium(await scratchDirectory());
  const origins = [site, `http://localhost:${providerPort}`, `http://127.0.0.1:${providerPort}`];
  const profile = (options) => newProfile(browser, origins, options);

  claim('the terminal says what to open', program.output.includes(site), program.output);
  for (const user of developmentProvider.demoUsers) {
    claim(`the terminal names the demo user ${user}`, program.output.toLowerCase().includes(user.split(' ')[0].toLowerCase()), program.output);
  }

  /// Everything that holds for each page of ours.
  const looksRight = async (page, what, picture) => {
    await isAccessible(page, what);
    await hasNoScript(page, what);
    await screenshot(page, picture);
  };

  // With a mouse, in a browser that runs no script.
  {
    const { context, watched } = await profile({ javaScriptEnabled: false, colorScheme: 'light' });
    const page = await context.newPage();
    const home = await page.goto(`${site}/`);
    claim('the home page is public', home.status() === 200 && page.url() === `${site}/`, `${home.status()} ${page.url()}`);
    await looksRight(page, 'the home page', 'quickstart-home-light');
    await application.account(page).click();
    await developmentProvider.heading(page).waitFor();
    for (const user of developmentProvider.demoUsers) {
      claim(`the provider offers ${user}`, await developmentProvider.user(page, user).isVisible());
    }
    claim('the provider takes another user', await developmentProvider.anotherUser(page).isVisible());
    await looksRight(page, 'the provider’s page', 'quickstart-provider-light');
    await developmentProvider.user(page, 'Alice Adams').click();
    await page.waitForURL(`${site}/me`);
    await shows(page, 'the account page', ['Alice Adams', 'alice@example.com', 'admins', 'department', 'Operations']);
    await looksRight(page, 'the account page', 'quickstart-me-light');
    const cookies = await context.cookies(site);
    claim('cookies are out of reach of scripts and other sites', cookies.length > 0 && cookies.every(({ httpOnly, sameSite }) => httpOnly && sameSite === 'Lax'), JSON.stringify(cookies.map(({ value, ...cookie }) => cookie)));
    note(`cookies on http://localhost: ${cookies.map(({ name }) => name).join(', ')}`);
    await page.goto(`${site}/`);
    await looksRight(page, 'the home page of a signed-in user', 'quickstart-home-signed-in-light');
    await page.goto(`${site}/me`);
    await signOutThrough(page, application.signOut(page), site);
    claim('signing out ends on a page of the site', page.url().startsWith(`${site}/`), page.url());
    await looksRight(page, 'the page after signing out', 'quickstart-signed-out-light');
    await page.goto(`${site}/me`);
    await developmentProvider.heading(page).waitFor();
    claim('after signing out the account page asks for a login again', true);
    heldThePolicy('without script', watched);
    await context.close();
  }

  // With the keyboard alone, in a dark room.
  {
    const { context, watched } = await profile({ colorScheme: 'dark' });
    const page = await context.newPage();
    await page.goto(`${site}/`);
    claim('the pages are dark where the reader’s system is', await isDark(page));
    await screenshot(page, 'quickstart-home-dark');
    await tabTo(page, /your account|sign in/i, 'the home page');
    await page.keyboard.press('Enter');
    await developmentProvider.heading(page).waitFor();
    claim('… the provider’s too', await isDark(page));
    await screenshot(page, 'quickstart-provider-dark');
    await tabTo(page, 'Bob Brown', 'the provider’s page');
    await screenshot(page, 'quickstart-provider-focus-dark');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${site}/me`);
    await shows(page, 'the account page', ['Bob Brown']);
    await screenshot(page, 'quickstart-me-dark');
    const allowed = await fetchAsScript(context, `${site}/api/me`);
    claim('/api/me answers JSON with the user', allowed.status === 200 && JSON.parse(allowed.body) && allowed.body.includes('Bob Brown'), allowed.body);
    const back = await page.goBack();
    note(`the back button after a login leads to ${back?.status()} “${await page.title()}” at ${page.url().split('?')[0]}`);
    await page.goto(`${site}/me`);
    await tabTo(page, /^sign out$/i, 'the account page');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname !== '/me');
    const refused = await fetchAsScript(context, `${site}/api/me`);
    claim('/api/me answers 401 after signing out', refused.status === 401, refused.status);
    heldThePolicy('with the keyboard', watched);
    await context.close();
  }

  // As somebody else, on a small screen.
  {
    const { context, watched } = await profile({ viewport: { width: 320, height: 640 } });
    const page = await context.newPage();
    await page.goto(`${site}/`);
    await fitsANarrowScreen(page, 'the home page');
    await page.goto(`${site}/me?tab=2`);
    await developmentProvider.heading(page).waitFor();
    await fitsANarrowScreen(page, 'the provider’s page');
    await screenshot(page, 'quickstart-provider-narrow');
    await developmentProvider.anotherUser(page).fill('dagny');
    await page.keyboard.press('Enter');
    await page.waitForURL(`${site}/me?tab=2`);
    claim('the login ends on the page that was asked for, with its query', true);
    await shows(page, 'the account page', ['dagny']);
    await fitsANarrowScreen(page, 'the account page');
    await screenshot(page, 'quickstart-me-narrow');
    heldThePolicy('on a small screen', watched);
    await context.close();
  }

  // Where a login fails.
  for (const colorScheme of ['light', 'dark']) {
    const { context, watched } = await profile({ colorScheme });
    const page = await context.newPage();
    const marker = 'text-from-outside';
    const failed = await page.goto(`${site}/oauth2/callback?state=${marker}&error=access_denied&error_description=${marker}`);
    claim('a callback that nobody asked for is refused', failed.status() >= 400 && failed.status() < 500, failed.status());
    const text = await page.locator('body').innerText();
    claim('… without repeating text from outside', !(await page.content()).includes(marker), text);
    claim('… with a way on', (await page.locator('main a[href], main button').count()) > 0, text);
    await looksRight(page, 'the page of a failed login', `quickstart-failed-login-${colorScheme}`);
    heldThePolicy(`where a login fails (${colorScheme})`, watched);
    await context.close();
  }
});

async function isDark(page) {
  const colour = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const [red, green, blue, opacity = 1] = colour.match(/[\d.]+/g).map(Number);
  return opacity > 0 && (red + green + blue) / 3 < 100;
}
