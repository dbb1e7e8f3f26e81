// A person at a provider's forms, without a browser: follows redirects, keeps cookies, fills in and submits what is there.

import https from 'node:https';

/// Somebody who trusts this certificate authority.
export class Visitor {
  constructor(ca) {
    this.ca = ca;
    this.cookies = new Map();
  }

  /// The page at an address.
  visit(url) {
    return this.#request('GET', new URL(url));
  }

  /// What a page's form leads to, with these fields filled in.
  submit(page, filled = {}) {
    const action = /<form[^>]* action="([^"]*)"/.exec(page.text);
    if (action === null) throw new Error(`there is no form at ${page.url}: ${page.text.slice(0, 500)}`);
    const hidden = [...page.text.matchAll(/<input[^>]* type="hidden"[^>]*>/g)].map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value')]);
    const fields = new URLSearchParams({ ...Object.fromEntries(hidden), ...filled });
    return this.#request('POST', new URL(unescaped(action[1]), page.url), fields.toString());
  }

  async #request(method, url, body) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { cookie, ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }) };
    const answer = await new Promise((resolve, reject) => {
      const request = https.request(url, { method, headers, ca: this.ca }, async (response) => {
        let text = '';
        for await (const bytes of response) text += bytes;
        resolve({ status: response.statusCode, headers: response.headers, text, url: url.href });
      });
      request.once('error', reject).end(body);
    });
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    const { location } = answer.headers;
    return location === undefined ? answer : this.#request('GET', new URL(location, url));
  }
}

function attribute(tag, name) {
  const found = new RegExp(` ${name}="([^"]*)"`).exec(tag);
  return found === null ? '' : unescaped(found[1]);
}

function unescaped(text) {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&');
}
