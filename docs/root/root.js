// Go to the language that the reader's browser asks for first, if the site has it.
const ways = [...document.querySelectorAll("a[hreflang]")];
const wanted = navigator.languages.map((name) => name.split("-")[0]);
const way = wanted.map((name) => ways.find((a) => a.hreflang === name)).find(Boolean);
const page = location.protocol === "file:" ? "index.html" : ""; // no server adds it
location.replace((way ?? ways[0]).href + page);
