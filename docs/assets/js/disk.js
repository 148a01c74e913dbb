// Opened from a disk, a link must name the page in its folder, and nothing can be
// searched: the browser refuses the worker. So this runs before the theme starts one.
if (location.protocol === "file:") {
  for (const link of document.querySelectorAll("a[href]"))
    if (link.protocol === "file:" && link.pathname.endsWith("/"))
      link.pathname += "index.html";
  const search = "[data-md-component=search], label[for=__search]";
  for (const part of document.querySelectorAll(search)) part.remove();
}
