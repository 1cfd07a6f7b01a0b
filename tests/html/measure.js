// What is wrong with the page as it is laid out: each list names the place. Nothing here is part of the page. `width` is the
// screen's: a phone's window grows with what is too wide for it.
((width) => {
  const shown = (el) => el.checkVisibility({ contentVisibilityAuto: true, visibilityProperty: true });
  const name = (el) => el.tagName.toLowerCase() + (el.className.baseVal === undefined && el.className ? "." + el.className.replaceAll(" ", ".") : "");
  // Read out, and not seen: measured by nobody.
  const aside = (el) => el.closest(".hidden") !== null || (el.closest("thead") !== null && getComputedStyle(el.closest("thead")).position === "absolute");
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const el = node.parentElement;
    if (!node.data.trim() || !shown(el) || aside(el)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const r of range.getClientRects()) {
      if (r.width > 0.5 && r.height > 0.5) texts.push({ el, node, words: node.data.trim().slice(0, 40), r });
    }
  }
  // A box of text is higher than its letters; only what the letters take counts.
  const tight = ({ r }) => ({ left: r.left + 0.5, right: r.right - 0.5, top: r.top + r.height * 0.25, bottom: r.bottom - r.height * 0.25 });
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const overlaps = [];
  const sorted = texts.map((t) => ({ ...t, box: tight(t) })).sort((a, b) => a.box.top - b.box.top);
  for (let i = 0; i < sorted.length; i++) {
    for (let j = i + 1; j < sorted.length && sorted[j].box.top < sorted[i].box.bottom; j++) {
      if (sorted[i].node !== sorted[j].node && meet(sorted[i].box, sorted[j].box)) overlaps.push(`${name(sorted[i].el)} “${sorted[i].words}” and ${name(sorted[j].el)} “${sorted[j].words}”`);
    }
  }
  // Neighbours that are boxes of their own, and not words in a line.
  const isBox = (el) => !getComputedStyle(el).display.startsWith("inline") && getComputedStyle(el).display !== "contents";
  for (const parent of document.querySelectorAll("body, body *:not(svg, svg *)")) {
    const children = [...parent.children].filter((el) => shown(el) && !aside(el) && !el.closest("svg svg") && isBox(el) && getComputedStyle(el).position !== "absolute");
    const boxes = children.map((el) => ({ el, r: el.getBoundingClientRect() })).filter(({ r }) => r.width > 1 && r.height > 1).sort((a, b) => a.r.top - b.r.top);
    for (let i = 0; i < boxes.length; i++) {
      for (let j = i + 1; j < boxes.length && boxes[j].r.top < boxes[i].r.bottom - 1; j++) {
        const [a, b] = [boxes[i].r, boxes[j].r];
        if (a.left < b.right - 1 && b.left < a.right - 1) overlaps.push(`${name(boxes[i].el)} and ${name(boxes[j].el)} in ${name(parent)}`);
      }
    }
  }
  // WCAG 2: contrast of text with what is behind it.
  const rgb = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (el) => {
    for (; el; el = el.parentElement) {
      const color = rgb(getComputedStyle(el).backgroundColor);
      if (color.length === 3 || color[3] > 0) return color;
    }
    return [255, 255, 255];
  };
  const faint = new Set();
  for (const { el, words } of texts) {
    const style = getComputedStyle(el);
    const [a, b] = [light(rgb(style.color)), light(behind(el))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) faint.add(`${name(el)} “${words}” ${contrast.toFixed(2)}: ${style.color} on ${behind(el)}`);
  }
  // One h1, and no level left out.
  const headings = [];
  let level = 0;
  for (const el of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const own = Number(el.tagName[1]);
    if (own > level + 1 || (own === 1 && level !== 0)) headings.push(`${name(el)} “${el.textContent}” after h${level}`);
    level = own;
  }
  if (level === 0) headings.push("none");
  const unscoped = [...document.querySelectorAll("th")].filter((el) => el.textContent && !el.scope).map((el) => `th “${el.textContent}”`);
  // What is cut off at a side, or scrolls where nobody looks.
  const outside = texts.filter(({ r }) => r.right > width + 0.5 || r.left < -0.5).map(({ el, words }) => `${name(el)} “${words}”`);
  const beside = [...document.querySelectorAll(".table")].filter((el) => shown(el) && el.scrollWidth > el.clientWidth + 1).map((el) => `${el.firstElementChild.className}: ${el.scrollWidth} in ${el.clientWidth}`);
  const wide = document.scrollingElement.scrollWidth - width;
  const folded = [...document.querySelectorAll("details:not([open])")].filter((el) => [...el.children].some((child) => child.tagName !== "SUMMARY" && !shown(child))).length;
  return { wide, folded, overlaps, faint: [...faint], headings, unscoped, outside, beside, texts: texts.length };
})
