// Keeps the page as it is now: takes server-sent events and puts what changed in its place, node by
// node, so that focus, selection and scrolling stay where the reader has them.
"use strict";

const SILENT_MS = 5000;
const link = document.getElementById("link");
const parser = new DOMParser();
let heard = 0;

function say(text, isLive) {
  if (link.textContent !== text) {
    link.textContent = text;
  }
  link.classList.toggle("live", isLive);
  document.body.classList.toggle("old", !isLive);
}

function sameAttributes(here, told) {
  for (const { name } of [...here.attributes]) {
    // What the reader has opened stays open.
    if (!told.hasAttribute(name) && name !== "open") {
      here.removeAttribute(name);
    }
  }
  for (const { name, value } of told.attributes) {
    if (here.getAttribute(name) !== value) {
      here.setAttribute(name, value);
    }
  }
}

function same(here, told) {
  if (here.nodeType !== told.nodeType || here.nodeName !== told.nodeName) {
    here.replaceWith(document.importNode(told, true));
  } else if (here.nodeType === Node.ELEMENT_NODE) {
    sameAttributes(here, told);
    sameChildren(here, told);
  } else if (here.nodeValue !== told.nodeValue) {
    here.nodeValue = told.nodeValue;
  }
}

function sameChildren(here, told) {
  const old = [...here.childNodes];
  const wanted = [...told.childNodes];
  wanted.forEach((child, place) => {
    if (place < old.length) {
      same(old[place], child);
    } else {
      here.append(document.importNode(child, true));
    }
  });
  old.slice(wanted.length).forEach((child) => child.remove());
}

const events = new EventSource("events");
events.onmessage = (event) => {
  heard = Date.now();
  // Parsed apart and inert; the server has escaped every value.
  for (const [name, html] of Object.entries(JSON.parse(event.data).sections)) {
    const part = document.querySelector(`[data-part="${CSS.escape(name)}"]`);
    if (part !== null) {
      sameChildren(part, parser.parseFromString(html, "text/html").body);
    }
  }
  say("live", true);
};
events.onerror = () => {
  // A refusal (too many look) is final for the browser; an ordinary break is mended by itself.
  if (events.readyState === EventSource.CLOSED) {
    setTimeout(() => location.reload(), 10000);
  }
};
setInterval(() => {
  const silent = Date.now() - heard;
  if (heard > 0 && silent > SILENT_MS) {
    say(`no news for ${Math.round(silent / 1000)} s: what you see is old`, false);
  }
}, 1000);
