// What the theme does as it starts, and a reader need not wait for.

// It sets the colours that the page has, and says that they change: all is styled anew,
// again and again. What is set already is left, and the first change is none. That the
// canvas is light or dark the page says itself (palette.html), and the theme need not.
const canvas = document.querySelector("meta[name=color-scheme]");
const append = document.head.appendChild;
document.head.appendChild = function (node) {
  return node.name === canvas.name ? node : append.call(this, node);
};
const setAttribute = document.body.setAttribute;
let changes = 0;
document.body.setAttribute = function (name, value) {
  if (name === "data-md-color-switching" && changes++ === 0) return;
  if (this.getAttribute(name) === value) return;
  setAttribute.call(this, name, value);
  if (name === "data-md-color-scheme") {
    canvas.content = getComputedStyle(this).colorScheme;
  }
};

// It measures each piece of code for what is there already, buttons and a way to scroll by
// keyboard (copy.js, access.js), and has the whole page laid out anew for each.
const content = document.querySelector('[data-md-component="content"]');
if (content) {
  const find = content.querySelectorAll;
  content.querySelectorAll = (selector) =>
    find.call(content, selector === "pre:not(.mermaid) > code" ? ":not(*)" : selector);
}

// It fetches its search index, the heaviest file of the site, and starts its
// worker on every page. Here both wait until the reader turns to search: with a pointer,
// with a key, or by an address that asks for it. What is typed meanwhile is searched for
// when they are there, as the theme itself does on a slow line.
if (location.protocol !== "file:") {
  const INDEX = /\/search\/search_index\.json$/;
  const SEARCH = '[data-md-component="search"], [for="__search"]';
  const WAYS = ["focusin", "pointerdown", "pointerover"];

  const asked = new URLSearchParams(location.search);
  const wanted = new Promise((resolve) => {
    if (asked.has("q") || asked.has("h")) resolve();
    const turn = ({ target }) => {
      if (!(target instanceof Element && target.closest(SEARCH))) return;
      for (const way of WAYS) removeEventListener(way, turn, true);
      resolve();
    };
    for (const way of WAYS) addEventListener(way, turn, true);
  });

  window.XMLHttpRequest = class extends XMLHttpRequest {
    open(method, address, ...rest) {
      this.waits = INDEX.test(new URL(address, location).pathname);
      super.open(method, address, ...rest);
    }

    send(body) {
      if (this.waits) wanted.then(() => super.send(body));
      else super.send(body);
    }
  };

  const Started = window.Worker;
  window.Worker = class extends EventTarget {
    constructor(address) {
      super();
      this.started = wanted.then(() => {
        const worker = new Started(address);
        worker.onmessage = ({ data }) =>
          this.dispatchEvent(new MessageEvent("message", { data }));
        return worker;
      });
    }

    postMessage(message) {
      this.started.then((worker) => worker.postMessage(message));
    }
  };
}
