// The page's one script: times, keys, live rows, charts. Every page works without it but for live updates and charts.

// Times: the server writes them in its own zone; where the browser is in another one they are written again.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const two = (number) => String(number).padStart(2, "0");

/** `14:03:22` today, `Nov 21 14:03` this year, `2025-11-21` before: as the server tells it. */
function moment(then) {
  const now = new Date();
  if (then.toDateString() === now.toDateString()) return [then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(":");
  if (then.getFullYear() !== now.getFullYear()) return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
  return `${MONTHS[then.getMonth()]} ${two(then.getDate())} ${two(then.getHours())}:${two(then.getMinutes())}`;
}

function offsetOf(then) {
  const minutes = -then.getTimezoneOffset();
  return `${minutes < 0 ? "-" : "+"}${two(Math.trunc(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`;
}

/** Write the times below `root` in the browser's zone. */
export function localize(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const then = new Date(time.dateTime);
    const offset = offsetOf(then);
    if (Number.isNaN(then.getTime()) || time.dateTime.endsWith(offset)) continue;
    time.textContent = moment(then);
    const day = `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
    time.title = `${day} ${[then.getHours(), then.getMinutes(), then.getSeconds()].map(two).join(":")}${offset}`;
  }
}

// Keys: one table; each part of the page adds its own. They are asleep while somebody types.

const keys = new Map();

/** Have `act` called for a key, unless somebody types or a dialog is open. */
export function onKey(key, act) {
  keys.set(key, act);
}

const isTyping = (element) => element?.matches?.("input, textarea, select, [contenteditable]") ?? false;

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing) return;
  if (event.key === "Escape" && isTyping(event.target)) event.target.blur();
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  const act = keys.get(event.key);
  if (act && act(event) !== false) event.preventDefault();
});

const openers = () => [...document.querySelectorAll("[data-row] [data-open]")].filter((link) => link.offsetParent);

/** Move the focus so many rows on; to the first one when it is in none. */
function moveRows(step) {
  const links = openers();
  const at = links.findIndex((link) => link.closest("[data-row]").contains(document.activeElement));
  const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step];
  next?.focus();
  next?.closest("[data-row]").scrollIntoView({ block: "nearest" });
}

function follow(selector) {
  const link = document.querySelector(selector);
  if (!link) return false;
  link.click();
  return true;
}

onKey("j", () => moveRows(1));
onKey("k", () => moveRows(-1));
onKey("[", () => follow("a[data-newer]"));
onKey("]", () => follow("a[data-older]"));
onKey("/", () => {
  const field = document.querySelector("[data-search]");
  if (!field) return false;
  field.closest("details")?.setAttribute("open", "");
  field.focus();
  field.select?.();
  return true;
});
onKey("?", () => document.getElementById("keys").showModal());

for (const button of document.querySelectorAll("[data-opens]")) {
  button.addEventListener("click", () => document.getElementById(button.dataset.opens).showModal());
}
for (const dialog of document.querySelectorAll("dialog")) {
  // A click on what lies around a dialog closes it, as Esc does.
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
}
for (const element of document.querySelectorAll(".needs-script")) element.hidden = false;

// Rows: a click anywhere in one opens it, unless it was meant for a link or marked some text.

document.addEventListener("click", (event) => {
  const row = event.target.closest?.("[data-row]");
  if (!row || event.defaultPrevented || event.target.closest("a, button, summary, input, label")) return;
  if (!document.getSelection().isCollapsed) return;
  const link = row.querySelector("[data-open]");
  if (event.ctrlKey || event.metaKey) window.open(link.href, "_blank", "noopener");
  else link.click();
});

// Forms that filter leave out what was left blank, so that URLs stay short.

document.addEventListener("formdata", (event) => {
  if (event.target.method !== "get") return;
  for (const [name, value] of [...event.formData]) if (value === "") event.formData.delete(name);
});

// Live: the same page is asked for again every second, and what is new in it is put in place. Parts with `data-live`
// are brought up to date; in them, elements with `data-key` are matched one by one. `data-follows` names what is asked
// for instead of the page; once an answer has no element with it any more, nothing further will come.

const EVERY_MS = 1000;
const SLOWEST_MS = 10000;
const PATIENCE = 3;
const TOLD_EVERY_MS = 10000;
const PAUSED = "agent_trace paused";

/** What the server sent for each part and each keyed element, to see what differs, whatever the script did to it. */
const served = new Map();
const nameOf = (part, element) => `${part.dataset.live} ${element?.dataset.key ?? ""}`;
const keyed = (part) => [...part.children].filter((child) => child.dataset.key);

function remember(part) {
  const elements = keyed(part);
  for (const element of elements) served.set(nameOf(part, element), element.outerHTML);
  if (!elements.length) served.set(nameOf(part), part.innerHTML);
}

/** Put an element in the place of another one with the same key. The focus stays in it. */
function swap(part, before, element) {
  const focused = before.contains(document.activeElement);
  served.set(nameOf(part, element), element.outerHTML);
  localize(element);
  before.replaceWith(element);
  if (focused) element.querySelector("[data-open]")?.focus({ preventScroll: true });
}

const isText = (node) => node.nodeType === Node.TEXT_NODE;

/** What has to be the same in two nodes for one to become the other. */
function kindOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return node.nodeName;
  return [node.nodeName, node.id, node.getAttribute("class"), node.querySelector(":scope > h3")?.firstChild?.textContent.trim()].join(" ");
}

/** Make an element like another one. What is the same in both is left alone: focus, selection and scrolling in it stay. */
function morph(element, fresh) {
  if (element.isEqualNode(fresh)) return;
  // Whether something is folded is the visitor's business.
  const isOurs = (name) => !(element.nodeName === "DETAILS" && name === "open");
  for (const name of element.getAttributeNames()) if (isOurs(name) && !fresh.hasAttribute(name)) element.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (isOurs(name) && element.getAttribute(name) !== value) element.setAttribute(name, value);
  morphInside(element, [...fresh.childNodes]);
}

function morphInside(element, children) {
  const kinds = children.map(kindOf);
  let at = element.firstChild;
  const drop = () => {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  };
  children.forEach((child, index) => {
    const isWanted = (node) => kindOf(node) === kinds[index];
    while (at && !isWanted(at) && (isText(at) || !kinds.includes(kindOf(at), index))) drop();
    if (!at || !isWanted(at)) element.insertBefore(child, at);
    else {
      if (!isText(at)) morph(at, child);
      else if (at.data !== child.data) at.data = child.data;
      at = at.nextSibling;
    }
  });
  while (at) drop();
}

/** Have in `part` what is in `fresh`, in that order, and mark what is new; gives how much that is. */
function replace(part, fresh) {
  if (!keyed(part).length || !keyed(fresh).length) return replaceWhole(part, fresh);
  const known = new Map(keyed(part).map((element) => [element.dataset.key, element]));
  const news = [];
  const rows = keyed(fresh);
  let place = part.firstElementChild;
  for (const element of rows) {
    const before = known.get(element.dataset.key);
    known.delete(element.dataset.key);
    if (before) {
      if (before === place) place = place.nextElementSibling;
      else part.insertBefore(before, place);
      if (served.get(nameOf(part, before)) !== element.outerHTML) swap(part, before, element);
    } else {
      served.set(nameOf(part, element), element.outerHTML);
      localize(element);
      part.insertBefore(element, place);
      news.push(element);
    }
  }
  // Where most is new there is nothing to point at, and a page that blinks is no pleasure.
  if (news.length <= rows.length / 2) for (const element of news) element.classList.add("fresh");
  for (const gone of known.values()) {
    served.delete(nameOf(part, gone));
    gone.remove();
  }
  return news.length;
}

/** The same for a part without keys, or that had no rows or has none left. */
function replaceWhole(part, fresh) {
  if (!keyed(part).length && !keyed(fresh).length && served.get(nameOf(part)) === fresh.innerHTML) return 0;
  for (const gone of keyed(part)) served.delete(nameOf(part, gone));
  remember(fresh);
  const news = keyed(fresh).length;
  localize(fresh);
  morphInside(part, [...fresh.childNodes]);
  return news;
}

/** Bring the rows up to date that are there already; gives how many others there would be. */
function update(part, fresh) {
  const known = new Map(keyed(part).map((element) => [element.dataset.key, element]));
  let others = 0;
  for (const element of keyed(fresh)) {
    const before = known.get(element.dataset.key);
    if (!before) others += 1;
    else if (served.get(nameOf(part, before)) !== element.outerHTML) swap(part, before, element);
  }
  return others;
}

/** Whether somebody is reading or choosing among the rows: then they stay where they are, unless new ones come last. */
function isBusy(part) {
  if ("appends" in part.dataset) return false;
  const selection = document.getSelection();
  return (
    part.contains(document.activeElement) ||
    (!selection.isCollapsed && part.contains(selection.anchorNode)) ||
    part.getBoundingClientRect().top < 0
  );
}

/** What an answer says: a page, or the rows of a tree and the parts of the page around them. */
async function read(answer) {
  const isPage = answer.headers.get("Content-Type").startsWith("text/html");
  const { html, rows } = isPage ? { html: await answer.text() } : await answer.json();
  return { fresh: new DOMParser().parseFromString(html, "text/html"), rows };
}

class Follower {
  /** `tree` and `beside`: of a trace; what they show is followed too. */
  constructor(root, tree, beside) {
    this.root = root;
    this.tree = tree;
    this.beside = beside;
    this.button = document.getElementById("live");
    this.news = document.getElementById("news");
    this.told = document.getElementById("told");
    this.etag = null;
    this.waiting = null;
    this.delay = EVERY_MS;
    this.held = 0;
    this.unsaid = 0;
    this.saidAt = 0;
    this.paused = sessionStorage.getItem(PAUSED) === "yes";
    for (const part of this.parts()) remember(part);
    this.button.hidden = false;
    this.button.addEventListener("click", () => this.pause(!this.paused));
    this.news.addEventListener("click", () => this.show());
    document.addEventListener("visibilitychange", () => this.wait(0));
    this.pause(this.paused);
  }

  parts() {
    return [...document.querySelectorAll("[data-live]")];
  }

  pause(paused) {
    this.paused = paused;
    sessionStorage.setItem(PAUSED, paused ? "yes" : "no");
    this.button.setAttribute("aria-pressed", String(!paused));
    this.wait(0);
  }

  wait(delay) {
    clearTimeout(this.waiting);
    if (!this.paused && !this.ended && !document.hidden) this.waiting = setTimeout(() => this.look(), delay);
  }

  async look() {
    if (this.looking) return;
    this.looking = true;
    await this.tree?.ready;
    const begun = performance.now();
    try {
      const headers = this.etag ? { "If-None-Match": this.etag } : {};
      const url = this.root.dataset.follows || location.href;
      const answer = await fetch(url, { headers, cache: "no-store", signal: AbortSignal.timeout(30000) });
      this.lost(answer.status >= 400);
      const said = answer.status === 200 && (await read(answer));
      if (said && !this.paused) await this.take(said, answer.headers.get("ETag"));
      else if (this.held && !this.paused) this.put(false);
    } catch {
      this.lost(true);
    } finally {
      this.looking = false;
      // What takes long is asked for less often: most of the time, the machine belongs to who is followed.
      this.wait(Math.max(this.delay, PATIENCE * (performance.now() - begun)));
    }
  }

  lost(lost) {
    this.delay = lost ? Math.min(this.delay * 2, SLOWEST_MS) : EVERY_MS;
    this.button.classList.toggle("lost", lost);
    this.button.textContent = lost ? "Not reachable" : "Live";
  }

  async take({ fresh, rows }, etag) {
    const page = fresh.querySelector("main");
    if (page && page.dataset.view !== document.querySelector("main").dataset.view) {
      location.reload();
      return;
    }
    this.etag = etag;
    this.latest = fresh;
    const put = () => {
      this.put(false);
      if (rows) this.say(this.tree.take(rows));
    };
    if (rows) this.tree.steady(put);
    else put();
    await this.beside?.refresh();
    if (!fresh.querySelector("[data-follows]")) this.end(fresh.querySelector("[data-live=state] .badge")?.textContent);
  }

  /** Ask no more: what was followed is over. */
  end(how) {
    this.ended = true;
    if (document.activeElement === this.button) document.getElementById("main").focus({ preventScroll: true });
    this.button.hidden = true;
    this.told.textContent = `Ended: ${how}`;
  }

  /** Put the latest answer in place; without `all`, rows that somebody reads are only brought up to date. */
  put(all) {
    this.held = 0;
    for (const part of this.parts()) {
      const found = this.latest?.querySelector(`[data-live="${CSS.escape(part.dataset.live)}"]`);
      if (!found) continue;
      const fresh = found.cloneNode(true);
      if (keyed(part).length && !all && isBusy(part)) this.held += update(part, fresh);
      else this.say(replace(part, fresh));
    }
    this.news.hidden = this.held === 0;
    this.news.textContent = `${this.held} new`;
  }

  show() {
    window.scrollTo({ top: 0 });
    this.put(true);
    this.button.focus();
  }

  /** Tell those who listen, but not every second. */
  say(news) {
    this.unsaid += news;
    if (!this.unsaid || Date.now() - this.saidAt < TOLD_EVERY_MS) return;
    this.told.textContent = `${this.unsaid} new`;
    this.unsaid = 0;
    this.saidAt = Date.now();
  }
}


// Charts: figures that a page carries as JSON, drawn by Plotly in the colours of the page. They follow light and dark.

const FONT = { family: "system-ui, sans-serif", size: 12 };
const CHART_OPTIONS = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: "reset" };

/** What a colour of the stylesheet is right now. Its value is a function of light and dark; only an element has it. */
function inkOf(name, probe) {
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}

/** Milliseconds since the epoch as Plotly takes them for the reader's own clock: it knows no zones. */
function onTheClock(ms) {
  return ms - new Date(ms).getTimezoneOffset() * 60_000;
}

function seriesOf(given, ink) {
  const { colour, since_epoch: sinceEpoch } = given.meta;
  const series = { ...given, hoverlabel: { namelength: -1 }, textfont: { color: ink(colour), size: 14 } };
  series.marker = { ...given.marker, color: ink(colour), line: { width: 0 } };
  if (sinceEpoch) series.x = given.x.map(onTheClock);
  return series;
}

function axisOf(given, ink) {
  return { gridcolor: ink("line"), linecolor: ink("edge"), zerolinecolor: ink("edge"), fixedrange: true, automargin: true, showspikes: false, ...given };
}

function layoutOf(given, ink) {
  return {
    ...given,
    font: { ...FONT, color: ink("quiet") },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    margin: { l: 8, r: 8, t: 20, b: 8 },
    showlegend: false,
    hoverlabel: { bgcolor: ink("raised"), bordercolor: ink("edge"), font: { color: ink("ink"), ...FONT } },
    xaxis: axisOf(given.xaxis, ink),
    yaxis: axisOf(given.yaxis, ink),
  };
}

function drawChart(figure) {
  const area = figure.querySelector(".chart-area");
  const given = JSON.parse(figure.querySelector("script").textContent);
  const probe = document.createElement("i");
  figure.append(probe);
  const ink = name => inkOf(name, probe);
  window.Plotly.react(area, given.data.map(series => seriesOf(series, ink)), layoutOf(given.layout, ink), CHART_OPTIONS);
  probe.remove();
  return area;
}

function beginChart(figure) {
  const area = drawChart(figure);
  area.on("plotly_click", ({ points }) => {
    const place = /^([0-9a-f]{32})\/([0-9a-f]{16})$/.exec(points[0].customdata?.[4]);
    if (place) location.assign(`/traces/${place[1]}?observation=${place[2]}`);
  });
}

const charts = window.Plotly ? [...document.querySelectorAll(".chart")] : [];
charts.forEach(beginChart);
if (charts.length) matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => charts.forEach(drawChart));

// Trace: the tree, its lines made as they are needed; an observation beside it; search inside.

const MOST_DRAWN = 400;
const DRAWN_AROUND = 40;
const DEEPEST = 24;
const TYPES = new Set(["agent", "generation", "tool", "chain", "retriever", "embedding", "evaluator", "guardrail", "event", "span"]);

/** The page's URL with some of its query changed; null takes a part away. */
function urlWith(changes) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  return url;
}

function pathOf(changes) {
  const { pathname, search } = urlWith(changes);
  return pathname + search;
}

/** What a line that the server wrote says of its place; its element is the line itself. */
function entryOfLine(element) {
  const { id, depth } = element.dataset;
  return { id, depth: Number(depth), above: element.hasAttribute("aria-expanded"), cells: null, element };
}

class Tree {
  constructor(root) {
    this.root = root;
    this.body = root.querySelector("[data-lines]");
    this.blank = document.getElementById("blank-line").content.firstElementChild;
    this.entries = [...this.body.children].map(entryOfLine);
    this.closed = new Set(this.entries.filter(({ element }) => element.getAttribute("aria-expanded") === "false").map(({ id }) => id));
    this.closesNew = false;
    this.found = [];
    this.more = false;
    this.marked = new Set();
    this.hit = -1;
    this.opened = new URL(location.href).searchParams.get("observation");
    this.drawn = [0, 0];
    this.ready = "complete" in root.dataset ? Promise.resolve() : this.load();
    this.list();
    addEventListener("scroll", () => this.drawSoon(), { passive: true });
    addEventListener("resize", () => this.drawSoon(true), { passive: true });
  }

  /** Ask for all lines of a tree of which the server wrote only some. */
  async load() {
    const answer = await fetch(`/traces/${this.root.dataset.tree}/rows`);
    if (!answer.ok) return;
    this.take((await answer.json()).rows);
    document.querySelector("[data-tree-pager]")?.remove();
    const asked = new URL(location.href).searchParams.get("closed") ?? "";
    if (asked) this.closed = this.closedBy(asked.split("."));
    this.list();
  }

  /** Have the lines that the server tells by now; gives how many are new. What is closed, found or opened stays so. */
  take(rows) {
    const known = new Map(this.entries.map((entry) => [entry.id, entry]));
    let news = 0;
    this.entries = rows.map((cells) => {
      const [id, depth] = cells;
      const above = Boolean(cells[13]);
      const before = known.get(id);
      if (!before) news += 1;
      if (this.closesNew && above && depth > 0 && !before?.above) this.closed.add(id);
      return { id, depth, above, cells, element: this.elementFor(before, cells) };
    });
    this.list();
    return news;
  }

  /** What stands in the document for an entry, as it has to be now; nothing of a line that can be made when it is needed. */
  elementFor(before, cells) {
    const element = before?.element ?? null;
    if (!element || before.cells?.every((cell, place) => cell === cells[place])) return element;
    if (!element.isConnected) return null;
    morph(element, this.make(cells));
    return element;
  }

  /** Change the lines, and have those in view stay where they are. */
  steady(change) {
    const top = this.body.getBoundingClientRect().top;
    const focused = document.activeElement?.closest?.(".tree-line")?.dataset.id;
    const at = this.listed.findIndex((place) => this.entries[place].id === focused);
    const isSeen = at >= 0 && top + at * this.height > 0 && top + at * this.height < innerHeight;
    const kept = isSeen ? at : Math.floor(-top / this.height) + 1;
    const id = this.entries[this.listed[kept]]?.id;
    change();
    // As long as the first line is in view, what comes moves down what lies below it.
    if (top >= 0 || !id) return;
    const now = this.listed.findIndex((place) => this.entries[place].id === id);
    const moved = this.body.getBoundingClientRect().top - top + (now - kept) * this.height;
    if (now < 0 || !moved) return;
    window.scrollBy({ top: moved, behavior: "instant" });
    this.draw(true);
  }

  closedBy([first, ...rest]) {
    if (first !== "all") return new Set([first, ...rest]);
    this.closesNew = true;
    const open = new Set(rest);
    return new Set(this.entries.filter(({ id, depth, above }) => above && depth > 0 && !open.has(id)).map(({ id }) => id));
  }

  /** Work out which lines lie below no closed one, and draw them. */
  list() {
    this.listed = [];
    let closedAt = Infinity;
    this.entries.forEach((entry, place) => {
      if (entry.depth > closedAt) return;
      this.listed.push(place);
      closedAt = entry.above && this.closed.has(entry.id) ? entry.depth : Infinity;
    });
    this.root.setAttribute("aria-rowcount", this.listed.length + 1);
    this.draw(true);
  }

  drawSoon(anew = false) {
    this.anew ||= anew;
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.draw(this.anew);
      this.anew = false;
    });
  }

  /** The first and the last line to have in the document: all of them, or those around what is in view. */
  range() {
    const count = this.listed.length;
    if (count <= MOST_DRAWN) return [0, count];
    const above = -this.body.getBoundingClientRect().top / this.height;
    const first = Math.min(Math.max(Math.floor(above) - DRAWN_AROUND, 0), Math.max(count - DRAWN_AROUND, 0));
    return [first, Math.min(first + Math.ceil(innerHeight / this.height) + 2 * DRAWN_AROUND, count)];
  }

  draw(anew = false) {
    this.height = this.body.firstElementChild?.getBoundingClientRect().height || this.height || 28;
    const [first, last] = this.range();
    const near = Math.abs(first - this.drawn[0]) < DRAWN_AROUND / 2 && Math.abs(last - this.drawn[1]) < DRAWN_AROUND / 2;
    if (near && !anew) return;
    this.drawn = [first, last];
    const wanted = this.listed.slice(first, last).map((place, index) => {
      const entry = this.entries[place];
      return !anew && entry.element?.isConnected ? entry.element : this.element(entry, first + index);
    });
    const kept = new Set(wanted);
    for (const line of [...this.body.children]) if (!kept.has(line)) line.remove();
    // Lines that stay are not moved: one that is taken out loses the focus.
    let next = this.body.firstElementChild;
    for (const line of wanted) {
      if (line === next) next = next.nextElementSibling;
      else this.body.insertBefore(line, next);
    }
    this.body.style.paddingTop = `${first * this.height}px`;
    this.body.style.paddingBottom = `${(this.listed.length - last) * this.height}px`;
  }

  element(entry, index) {
    entry.element ??= this.make(entry.cells);
    const line = entry.element;
    line.setAttribute("aria-rowindex", index + 2);
    line.classList.toggle("current", entry.id === this.opened);
    line.classList.toggle("found", this.marked.has(entry.id));
    line.classList.toggle("at-hit", entry.id === this.found[this.hit]);
    if (entry.above) {
      const closed = this.closed.has(entry.id);
      line.setAttribute("aria-expanded", String(!closed));
      line.querySelector(".fold").setAttribute("aria-label", `${closed ? "Open" : "Close"} ${line.querySelector(".name").textContent}`);
    }
    return line;
  }

  make([id, depth, type, name, status, signal, model, tokens, cost, took, x, width, critical, above, kind]) {
    const line = this.blank.cloneNode(true);
    const drawing = TYPES.has(type) ? type : "span";
    line.dataset.id = id;
    line.dataset.depth = depth;
    line.setAttribute("aria-level", depth + 1);
    line.classList.toggle("critical", Boolean(critical));
    if (status) line.classList.add(status);
    line.querySelector(".guide").setAttribute("width", Math.min(depth, DEEPEST) * 14);
    line.querySelector(".icon").setAttribute("class", `icon ${drawing}`);
    line.querySelector(".icon use").setAttribute("href", `#i-${drawing}`);
    line.querySelector(".unseen").textContent = `${type} `;
    const link = line.querySelector(".name");
    link.textContent = name;
    link.setAttribute("href", pathOf({ observation: id, raw: null }));
    line.querySelector("a.fold").setAttribute("href", pathOf({ closed: id }));
    for (const [word, look] of [[status, status], [signal, kind]]) if (word) link.after(" ", badge(word, look));
    Object.entries({ model, tokens, cost, took }).forEach(([cell, text]) => (line.querySelector(`.${cell}`).textContent = text));
    line.querySelector(".wave").setAttribute("class", `wave ${drawing}`);
    line.querySelector("rect").setAttribute("x", `${x}%`);
    line.querySelector("rect").setAttribute("width", `${width}%`);
    if (!above) {
      line.removeAttribute("aria-expanded");
      line.querySelector(".fold").replaceWith(Object.assign(document.createElement("span"), { className: "fold" }));
    }
    return line;
  }

  fold(id, closed) {
    if (closed) this.closed.add(id);
    else this.closed.delete(id);
    this.list();
  }

  foldAll(closed) {
    this.closed = closed ? this.closedBy(["all"]) : new Set();
    this.closesNew = closed;
    this.list();
  }

  /** Bring a line into view, opening what it lies in. */
  show(id, focus) {
    const place = this.entries.findIndex((entry) => entry.id === id);
    if (place < 0) return;
    let depth = this.entries[place].depth;
    let opened = false;
    for (let above = place - 1; above >= 0 && depth > 0; above -= 1) {
      if (this.entries[above].depth >= depth) continue;
      depth = this.entries[above].depth;
      opened = this.closed.delete(this.entries[above].id) || opened;
    }
    if (opened) this.list();
    this.goTo(this.listed.indexOf(place), focus);
  }

  /** Scroll to one of the lines listed; draws it first where it is far away. */
  goTo(index, focus) {
    const entry = this.entries[this.listed[index]];
    if (!entry) return;
    if (!entry.element?.isConnected) {
      window.scrollBy({ top: this.body.getBoundingClientRect().top + index * this.height - innerHeight / 2 });
      this.draw(true);
    }
    entry.element.scrollIntoView({ block: "nearest" });
    if (focus) entry.element.querySelector(".name").focus({ preventScroll: true });
  }

  /** The line that has the focus, or else the one whose observation is open; its place among those listed. */
  at() {
    const id = document.activeElement?.closest?.(".tree-line")?.dataset.id ?? this.last ?? this.opened;
    return this.listed.findIndex((place) => this.entries[place].id === id);
  }

  move(step) {
    const at = this.at();
    const next = at < 0 ? (step > 0 ? 0 : this.listed.length - 1) : Math.min(Math.max(at + step, 0), this.listed.length - 1);
    this.goTo(next, true);
    this.last = this.entries[this.listed[next]]?.id;
  }

  /** Close or open the line that has the focus; from one that cannot be closed, go to the one that it lies in. */
  arrow(closed) {
    if (!document.activeElement?.closest?.(".tree-line")) return false;
    const at = this.at();
    const entry = this.entries[this.listed[at]];
    if (entry.above && this.closed.has(entry.id) !== closed) this.fold(entry.id, closed);
    else if (!closed) this.move(entry.above ? 1 : 0);
    else {
      let above = at;
      while (above > 0 && this.entries[this.listed[above]].depth >= entry.depth) above -= 1;
      this.goTo(above, true);
    }
    return true;
  }

  mark(ids, more) {
    this.found = ids;
    this.more = more;
    this.marked = new Set(ids);
    this.hit = -1;
    this.draw(true);
  }

  goToHit(step) {
    if (!this.found.length) return;
    this.hit = (this.hit + step + this.found.length + (this.hit < 0 && step < 0 ? 1 : 0)) % this.found.length;
    this.show(this.found[this.hit]);
    this.draw(true);
  }

  setOpened(id) {
    this.opened = id;
    this.last = id ?? this.last;
    this.draw(true);
  }
}

function badge(word, look) {
  return Object.assign(document.createElement("b"), { className: `badge ${look}`, textContent: word });
}

/** The place beside the tree, or the transcript, for one observation. */
class Beside {
  constructor(root, tree) {
    this.slot = root.querySelector("[data-slot]");
    this.tree = tree;
    this.etag = null;
    root.addEventListener("click", (event) => this.clicked(event));
    addEventListener("popstate", () => this.follow());
  }

  clicked(event) {
    if (event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest("a");
    if (!link) return;
    const id = new URL(link.href).searchParams.get("observation");
    // What was searched for, or closed, since the server wrote the link stays in the URL.
    if (link.matches("[data-open]")) this.open(urlWith({ observation: id, raw: null }));
    else if (link.matches("[data-panel]")) this.open(new URL(link.href), true);
    else if (link.matches("[data-close]")) this.close();
    else return;
    event.preventDefault();
  }

  async open(url, instead = false) {
    history[instead ? "replaceState" : "pushState"](null, "", url);
    await this.follow();
  }

  /** Close the observation beside the tree; also one that has not arrived yet. */
  close() {
    const id = new URLSearchParams(location.search).get("observation");
    if (!id) return false;
    history.pushState(null, "", urlWith({ observation: null, raw: null }));
    this.follow();
    if (this.tree) this.tree.show(id, true);
    return true;
  }

  /** Have beside the tree what the URL says. */
  async follow() {
    const id = new URLSearchParams(location.search).get("observation");
    this.asked?.abort();
    this.tree?.setOpened(id);
    this.etag = null;
    if (!id) return this.slot.replaceChildren();
    this.asked = new AbortController();
    try {
      const answer = await this.ask(id, this.asked.signal);
      if (!answer.ok) return location.reload();
      this.put(panelIn(await answer.text()));
    } catch (error) {
      if (error.name !== "AbortError") location.reload();
    }
  }

  /** Ask for an observation as it is shown beside its trace; there is nothing to tell of what did not change. */
  ask(id, signal) {
    const query = new URLSearchParams(location.search);
    query.delete("observation");
    query.set("panel", "1");
    const headers = this.etag ? { "If-None-Match": this.etag } : {};
    return fetch(`/observations/${encodeURIComponent(id)}?${query}`, { headers, signal, cache: "no-store" });
  }

  /** Bring what is shown of an observation up to date; who reads in it is not disturbed. */
  async refresh() {
    const asked = location.search;
    const panel = this.slot.querySelector(".panel");
    const id = new URLSearchParams(asked).get("observation");
    if (!panel || !id) return;
    const answer = await this.ask(id, AbortSignal.timeout(30000));
    if (answer.status !== 200) return;
    const fresh = panelIn(await answer.text());
    if (location.search !== asked || !panel.isConnected) return;
    this.etag = answer.headers.get("ETag");
    morph(panel, fresh);
  }

  put(panel) {
    this.slot.replaceChildren(panel);
    panel.focus({ preventScroll: true });
    if (getComputedStyle(panel).position !== "sticky") panel.scrollIntoView({ block: "start" });
    this.tree?.drawSoon(true);
  }
}

/** The observation in an answer, as it looks where scripts run. */
function panelIn(html) {
  const panel = new DOMParser().parseFromString(html, "text/html").querySelector(".panel");
  for (const element of panel.querySelectorAll(".needs-script")) element.hidden = false;
  localize(panel);
  return panel;
}

/** The form that searches inside a trace: it marks what it finds, and goes from one to the next. */
class Inside {
  constructor(form, tree) {
    this.form = form;
    this.tree = tree;
    this.field = form.querySelector("input[type=search]");
    this.told = form.querySelector("[data-hits]");
    this.buttons = [...form.querySelectorAll("[data-hit]")];
    this.sought = "";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.field.value.trim() === this.sought && tree.found.length) this.go(1);
      else this.search();
    });
    this.field.addEventListener("input", () => this.field.value || this.search());
    for (const button of this.buttons) button.addEventListener("click", () => this.go(Number(button.dataset.hit)));
    if (this.field.value) this.search();
  }

  async search() {
    const sought = (this.sought = this.field.value.trim());
    const path = `/traces/${this.tree.root.dataset.tree}`;
    this.form.querySelector("[data-clears]")?.remove();
    history.replaceState(null, "", urlWith({ q: sought || null, from: null }));
    let [found, more] = [[], false];
    if (sought) {
      this.told.textContent = "…";
      const answer = await fetch(`${path}/found?${new URLSearchParams({ q: sought })}`);
      if (answer.ok) ({ found, more } = await answer.json());
      await this.tree.ready;
    }
    if (sought !== this.sought) return;
    this.tree.mark(found, more);
    for (const button of this.buttons) button.disabled = !found.length;
    this.told.textContent = sought ? "nothing found" : "";
    if (found.length) this.go(1);
  }

  go(step) {
    if (!this.tree.found.length) return false;
    this.tree.goToHit(step);
    const { hit, found, more } = this.tree;
    this.told.textContent = `${hit + 1} of ${more ? "the first " : ""}${found.length.toLocaleString("en")}`;
    return true;
  }
}

const lookedAt = document.querySelector("[data-beside]");
const root = lookedAt?.querySelector("[data-tree]");
const tree = root && new Tree(root);
const beside = lookedAt && new Beside(lookedAt, tree);
if (beside) {
  onKey("Escape", () => beside.close());
  if (tree) {
    const inside = new Inside(document.querySelector("[data-inside]"), tree);
    root.addEventListener("click", (event) => {
      const fold = event.target.closest("a.fold");
      if (!fold || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      const line = fold.closest(".tree-line");
      tree.fold(line.dataset.id, line.getAttribute("aria-expanded") === "true");
    });
    for (const link of document.querySelectorAll("[data-folds]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        tree.foldAll(link.dataset.folds === "all");
      });
    }
    const inTree = () => root.contains(document.activeElement);
    onKey("j", () => tree.move(1));
    onKey("k", () => tree.move(-1));
    onKey("ArrowDown", () => inTree() && tree.move(1) !== false);
    onKey("ArrowUp", () => inTree() && tree.move(-1) !== false);
    onKey("ArrowLeft", () => tree.arrow(true));
    onKey("ArrowRight", () => tree.arrow(false));
    onKey("n", () => inside.go(1));
    onKey("p", () => inside.go(-1));
  }
}

const followed = document.querySelector("[data-follows]");
if (followed) new Follower(followed, tree, beside);
localize(document);

document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copies]");
  if (!button) return;
  const said = button.textContent;
  try {
    const answer = await fetch(button.dataset.copies);
    if (!answer.ok) throw new Error(answer.statusText);
    await navigator.clipboard.writeText(await answer.text());
    button.textContent = "Copied";
  } catch {
    button.textContent = "Could not copy";
  }
  setTimeout(() => (button.textContent = said), 1500);
});
