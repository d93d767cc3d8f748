// Looks at the open page and returns, in words, what is laid out badly. Runs in the page; changes nothing.
const problems = [];
const root = document.documentElement;
const SLACK = 1.5;
const GRAPHICS = "svg, canvas, .js-plotly-plot";

const named = element => {
  const classes = typeof element.className === "string" && element.className ? "." + element.className.trim().split(/\s+/).join(".") : "";
  return element.tagName.toLowerCase() + (element.id ? "#" + element.id : "") + classes;
};
const quoted = text => JSON.stringify(text.trim().replace(/\s+/g, " ").slice(0, 40));

// The part of a rectangle that can be seen or scrolled to, and whether something hid the rest of it.
const clipped = (element, rect) => {
  let box = {left: rect.left, right: rect.right, top: rect.top, bottom: rect.bottom};
  let cut = null;
  for (let up = element; up && up !== document.body && up !== root; up = up.parentElement) {
    const style = getComputedStyle(up);
    if (style.position === "fixed") break;
    if (style.overflowX === "visible" && style.overflowY === "visible") continue;
    const frame = up.getBoundingClientRect();
    const scrolls = /auto|scroll/.test(style.overflowX + style.overflowY);
    const said = style.textOverflow === "ellipsis" || style.webkitLineClamp !== "none";
    const over = box.right > frame.right + SLACK || box.left < frame.left - SLACK ||
      box.bottom > frame.bottom + 4 || box.top < frame.top - 4;
    if (over && !scrolls && !said && !cut) cut = up;
    box = {left: Math.max(box.left, frame.left), right: Math.min(box.right, frame.right),
      top: Math.max(box.top, frame.top), bottom: Math.min(box.bottom, frame.bottom)};
    if (scrolls || said) box.inside = true;
  }
  return {box, cut};
};

const seen = element => element.checkVisibility({opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true});
// Kept for screen readers only, or by a library for measuring: no bigger than a dot, or far outside.
const dotted = element => {
  for (let up = element; up && up !== document.body; up = up.parentElement) {
    const {width, height} = up.getBoundingClientRect();
    if (width <= 2 && height <= 2 && getComputedStyle(up).overflowX !== "visible") return true;
  }
  return false;
};
const offstage = element => element.closest(".skip, [aria-hidden='true'], #js-plotly-tester") || dotted(element);

// One box a line of text, and one for each picture and control.
const boxes = [];
const add = (element, rect, what) => {
  if (rect.width < 1 || rect.height < 1) return;
  const {box, cut} = clipped(element, rect);
  if (cut) problems.push(`cut off: ${what} in ${named(element)} by ${named(cut)}`);
  if (box.right - box.left < 1 || box.bottom - box.top < 1) return;
  if (!box.inside && (box.right > root.clientWidth + SLACK || box.left < -SLACK))
    problems.push(`beyond the edge of the page: ${what} in ${named(element)}, ${Math.round(box.left)} to ${Math.round(box.right)} of ${root.clientWidth}`);
  boxes.push({element, box, what});
};

const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
for (let node = texts.nextNode(); node; node = texts.nextNode()) {
  const parent = node.parentElement;
  if (!node.data.trim() || parent.closest(GRAPHICS + ", script, style, select, textarea") || offstage(parent) || !seen(parent)) continue;
  const range = document.createRange();
  range.selectNodeContents(node);
  for (const rect of [...range.getClientRects()].slice(0, 200)) add(parent, rect, quoted(node.data));
}
for (const element of document.body.querySelectorAll("input:not([type=hidden]), select, textarea, button, img, meter, progress")) {
  if (offstage(element) || element.closest(GRAPHICS) || !seen(element)) continue;
  add(element, element.getBoundingClientRect(), named(element));
}
for (const element of document.body.querySelectorAll("svg, canvas, .js-plotly-plot")) {
  if (offstage(element) || element.parentElement.closest(GRAPHICS) || !seen(element)) continue;
  add(element, element.getBoundingClientRect(), named(element));
}

if (root.scrollWidth > root.clientWidth + 1) {
  const wide = [...document.body.querySelectorAll("*")].filter(each => {
    const {box} = clipped(each.parentElement, each.getBoundingClientRect());
    return !box.inside && box.right > root.clientWidth + 1;
  });
  problems.push(`the page is ${root.scrollWidth} pixels wide on a screen of ${root.clientWidth}: ${wide.slice(0, 4).map(named).join(", ")}`);
}

// A bar that stays in place while the rest scrolls below it overlaps by design.
const layer = element => {
  for (let up = element; up && up !== document.body; up = up.parentElement) {
    const position = getComputedStyle(up).position;
    if (position === "sticky" || position === "fixed") return up;
  }
  return null;
};
boxes.sort((one, other) => one.box.top - other.box.top);
const told = new Set();
for (let at = 0; at < boxes.length && told.size < 20; at++) {
  const one = boxes[at];
  for (let next = at + 1; next < boxes.length && boxes[next].box.top < one.box.bottom; next++) {
    const other = boxes[next];
    if (one.element === other.element || one.element.contains(other.element) || other.element.contains(one.element)) continue;
    // Lines of one paragraph may touch: a fifth of the height is room that letters hardly use.
    const tall = Math.min(one.box.bottom - one.box.top, other.box.bottom - other.box.top) * 0.25 + 0.5;
    const high = Math.min(one.box.bottom, other.box.bottom) - Math.max(one.box.top, other.box.top);
    const broad = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
    if (high <= tall || broad <= SLACK || layer(one.element) !== layer(other.element)) continue;
    told.add(`overlapping: ${one.what} in ${named(one.element)} and ${other.what} in ${named(other.element)}`);
  }
}
return [...new Set([...problems, ...told])].slice(0, 30);
