// Somebody with a browser: keeps cookies, follows the redirects of a login, asks many things at once.

export class Person {
  constructor(name, site) {
    Object.assign(this, { name, site });
    this.jars = new Map();
  }

  /// Signs in: whatever it takes from the application to the provider and back. What the page says then.
  async signIn(path = '/') {
    let url = new URL(path, this.site);
    for (let step = 0; step < 12; step += 1) {
      const answer = await this.#fetch(url, { headers: { 'x-login': this.name } });
      const location = answer.headers.get('location');
      const text = await answer.text();
      if (answer.status === 200) return text;
      if (location === null) throw new Error(`${url}: ${answer.status} ${text}`);
      url = new URL(location, url);
    }
    throw new Error(`${this.name} goes round in circles, at ${url}`);
  }

  /// Asks the application something.
  async ask(path, { signal } = {}) {
    const asked = Date.now();
    const answer = await this.#fetch(new URL(path, this.site), { signal });
    const text = await answer.text();
    const json = answer.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : undefined;
    return { who: this.name, path, asked, answered: Date.now(), status: answer.status, text, json, retryAfter: answer.headers.get('retry-after') };
  }

  /// What this person's browser sends along to an address.
  cookie(url) {
    return [...(this.jars.get(url.origin) ?? [])].map(([name, value]) => `${name}=${value}`).join('; ');
  }

  async #fetch(url, { headers = {}, signal }) {
    const answer = await fetch(url, { redirect: 'manual', signal, headers: { ...headers, cookie: this.cookie(url) } });
    const jar = this.jars.get(url.origin) ?? new Map();
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]*)=([^;]*)/.exec(line);
      if (value === '' || /;\s*max-age=0(;|$)/i.test(line)) jar.delete(name);
      else jar.set(name, value);
    }
    this.jars.set(url.origin, jar);
    return answer;
  }
}
