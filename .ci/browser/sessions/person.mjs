// Somebody with a browser: keeps cookies, follows the redirects of a login, asks many things at once.

import http from 'node:http';

const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity });
const NAVIGATION = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };

export class Person {
  constructor(name, site) {
    Object.assign(this, { name, site });
    this.jars = new Map();
  }

  /// Signs in: whatever it takes from the application to the provider and back. What the page says then.
  async signIn(path = '/') {
    let url = new URL(path, this.site);
    for (let step = 0; step < 12; step += 1) {
      const { status, headers, text } = await this.#send(url, { headers: { ...NAVIGATION, 'x-login': this.name } });
      if (status === 200) return text;
      if (headers.location === undefined) throw new Error(`${url}: ${status} ${text}`);
      url = new URL(headers.location, url);
    }
    throw new Error(`${this.name} goes round in circles, at ${url}`);
  }

  /// Opens a page of the application.
  async ask(path, { signal } = {}) {
    const asked = Date.now();
    const { status, headers, text } = await this.#send(new URL(path, this.site), { signal, headers: NAVIGATION });
    const json = headers['content-type']?.startsWith('application/json') ? JSON.parse(text) : undefined;
    return { who: this.name, path, asked, answered: Date.now(), status, text, json, retryAfter: headers['retry-after'] };
  }

  /// What this person's browser sends along to an address.
  cookie(url) {
    return [...(this.jars.get(url.origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  /// Sends a form to an address, as a page at `from` does.
  submit(url, fields, from = url) {
    const headers = { ...NAVIGATION, host: from.host, origin: from.origin, 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded', cookie: this.cookie(from) };
    return this.#send(url, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
  }

  #send(url, { method, headers, signal, body }) {
    return new Promise((resolve, reject) => {
      const request = http.request(url, { agent, method, signal, headers: { cookie: this.cookie(url), ...headers } });
      request.once('error', reject).once('response', (answer) => {
        this.#keep(url.origin, answer.headers['set-cookie'] ?? []);
        let text = '';
        answer.setEncoding('utf8').on('data', (more) => (text += more));
        answer.once('error', reject).once('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
      });
      request.end(body);
    });
  }

  #keep(origin, lines) {
    const jar = this.jars.get(origin) ?? new Map();
    for (const line of lines) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      if (value === '' || /;\s*max-age=0(;|$)/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    this.jars.set(origin, jar);
  }
}
