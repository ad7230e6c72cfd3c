// Builds the page's elements from the report's data, as text nodes only.
'use strict';

// ---- Building DOM ---------------------------------------------------------------------------------------------
// Every string may come from a log that an attacker wrote to. Nothing here parses markup; `visible` also shows
// control, zero-width and direction-changing characters as escapes, so that no text can pose as another.

const HIDDEN =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const visible = (text) => String(text).replace(HIDDEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

function fill(node, attrs, children) {
  for (const [name, value] of Object.entries(attrs || {})) {
    if ((value ?? false) === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? '' : visible(value));
  }
  const shown = children.flat(Infinity).filter((child) => (child ?? false) !== false);
  node.append(...shown.map((child) => (child instanceof Node ? child : visible(child))));
  return node;
}
const el = (tag, attrs, ...children) => fill(document.createElement(tag), attrs, children);
const svg = (tag, attrs, ...children) =>
  fill(document.createElementNS('http://www.w3.org/2000/svg', tag), attrs, children);
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat('en');
const n = (value) => number.format(value);
const count = (value, one, many) => `${n(value)} ${value === 1 ? one : many || `${one}s`}`;
const mono = (text) => el('code', null, text);
const none = (text) => el('span', { class: 'muted' }, text || 'unknown');
const jump = (id) => (event) => {
  event.preventDefault();
  byId(id).focus();
}; // and keep the address
const say = (text) => {
  byId('live').textContent = text;
};

// Seconds say nothing to a reader of a migration report; the attribute keeps the exact time.
const when = (time) => {
  if (!time) return none();
  const short = time.length > 10 ? `${time.slice(0, 10)} ${time.slice(11, 16)} UTC` : time;
  return el('time', { datetime: time, title: time }, short);
};
const span = (first, last) => (first || last ? [when(first), ' – ', when(last)] : none('never seen'));
const bytes = (value) => {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  return `${at ? value.toFixed(1) : value} ${units[at]}`;
};

// Shapes beside words: a verdict is never told by colour alone.
const ICONS = {
  retire: 'M4 4l8 8M12 4l-8 8',
  replace: 'M2 5.5h11M10 2.5l3 3-3 3M14 10.5H3M6 7.5l-3 3 3 3',
  rotate: 'M13 8a5 5 0 1 1-1.6-3.7M13 2v3.2H9.8',
  investigate: 'M5.5 6a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.9-1.1 1.8M8 12.6v.6',
  warn: 'M8 2.5l6 11H2zM8 6.5v3.2M8 11.4v.5',
};
const icon = (name) =>
  svg(
    'svg',
    { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: ICONS[name] || ICONS.investigate }),
  );
const badge = (key) => el('span', { class: `badge ${key.verdict}` }, icon(key.verdict), key.verdict_title);
const tag = (text, kind) => el('span', { class: `tag ${kind || ''}` }, text);
const callout = (...children) => el('div', { class: 'callout' }, icon('warn'), el('div', null, ...children));
const empty = (...children) => el('p', { class: 'empty' }, ...children);

// What is wider than the page scrolls by itself, and only then is a stop of the Tab key.
const widths = new ResizeObserver((entries) =>
  entries.forEach(({ target: box }) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
    else box.removeAttribute('tabindex');
  }),
);
function wide(label, child) {
  const box = el('div', { class: 'wide', role: 'group', 'aria-label': label }, child);
  widths.observe(box);
  return box;
}
const col = (title, field) => [title, (item) => item[field]];
const num = (title, field) => [title, (item) => n(item[field]), 'num'];
/** A table. Columns: [title, cell of item, class]; the first cell of each row is its header. */
function table(caption, columns, items) {
  const cell = (item, [, of, kind], at) =>
    at === 0 ? el('th', { scope: 'row', class: kind }, of(item)) : el('td', { class: kind }, of(item));
  return wide(
    caption,
    el(
      'table',
      null,
      el('caption', { class: 'sr' }, caption),
      el(
        'thead',
        null,
        el(
          'tr',
          null,
          columns.map(([title, , kind]) => el('th', { scope: 'col', class: kind }, title)),
        ),
      ),
      el(
        'tbody',
        null,
        items.map((item) =>
          el(
            'tr',
            null,
            columns.map((column, at) => cell(item, column, at)),
          ),
        ),
      ),
    ),
  );
}

/** A long list in part, saying so, with a button for the rest. `build` makes the whole from some items. */
function capped(items, limit, what, build) {
  if (items.length <= limit) return build(items);
  const note = el('p', { class: 'muted' }, `${n(limit)} of ${n(items.length)} ${what} shown. `);
  const box = el('div', null, build(items.slice(0, limit)), note);
  const showAll = () => {
    const all = build(items);
    all.tabIndex = -1;
    box.replaceChildren(all);
    all.focus();
    say(`All ${n(items.length)} ${what} shown`);
  };
  note.append(el('button', { type: 'button', class: 'quiet', click: showAll }, `Show all ${n(items.length)}`));
  return box;
}

const list = (items, kind) =>
  el(
    'ul',
    { class: kind },
    items.map((item) => el('li', null, item)),
  );
const facts = (pairs) =>
  el(
    'dl',
    { class: 'facts' },
    pairs.filter(Boolean).map(([term, value]) => el('div', null, el('dt', null, term), el('dd', null, value))),
  );

/** A disclosure whose content is built when it is first opened: most never are. */
function details(title, build, open) {
  const node = el('details', { open }, el('summary', null, title));
  const once = () => {
    if (node.open && node.children.length === 1) node.append(build());
  };
  node.addEventListener('toggle', once);
  once();
  return node;
}

// ---- Data -----------------------------------------------------------------------------------------------------
let data;
const keyOf = new Map(); // by reference
const waveOf = new Map(); // by id
const kindTitles = new Map(); // rivals and signals name kinds by id alone
async function unpack() {
  const packed = Uint8Array.from(atob(byId('data').textContent.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
  const { texts, data: small } = JSON.parse(await new Response(stream).text());
  return whole(small, texts);
}

/** Puts texts that stand once in a table back where they belong; packed.rs says how they were taken out. */
function whole(value, texts) {
  if (value === null || typeof value !== 'object') return value;
  const text = (line) => (typeof line === 'number' ? texts[line] : line);
  if (Array.isArray(value))
    value.forEach((item, at) => {
      value[at] = whole(item, texts);
    });
  else if (!Object.hasOwn(value, '$')) for (const name of Object.keys(value)) value[name] = whole(value[name], texts);
  else if (value.$ === null)
    return Object.fromEntries(value.fields.map(([name, field]) => [name, whole(field, texts)]));
  else return Array.isArray(value.$) ? value.$.map(text).join('\n') : text(value.$);
  return value;
}

function index() {
  for (const wave of data.waves) waveOf.set(wave.id, wave);
  for (const kind of data.summary.kinds) kindTitles.set(kind.id, kind.title);
  for (const key of data.keys) {
    keyOf.set(key.reference, key);
    for (const one of key.consumers) kindTitles.set(one.kind, one.kind_title);
  }
}

const kindTitle = (id) => kindTitles.get(id) || id;
const kindsOf = (key) => [...new Set(key.consumers.map((one) => one.kind_title))];
// Where a report is in parts, a key's page is in its account's.
const partOf = (key) => (key ? data.parts.find((part) => part.account === (key.account || '')) : undefined);
const keyHref = (reference) =>
  `${encodeURIComponent(partOf(keyOf.get(reference))?.file || '')}#key=${encodeURIComponent(reference)}`;
const keyLink = (reference) =>
  keyOf.has(reference) ? el('a', { href: keyHref(reference), class: 'mono' }, reference) : mono(reference);
const filterHref = (filters) =>
  `#keys${Object.entries(filters)
    .filter(([, value]) => value)
    .map(([name, value]) => `&${name}=${encodeURIComponent(value)}`)
    .join('')}`;
const AGES = [
  ['90 days or less', 90],
  ['91–180 days', 180],
  ['181–365 days', 365],
  ['1–2 years', 730],
  ['over 2 years', Infinity],
];
const IDLES = [
  ['7 days or less', 7],
  ['8–30 days', 30],
  ['31–90 days', 90],
  ['91–365 days', 365],
  ['over 365 days', Infinity],
];
const UNKNOWN = 'unknown';
const bucket = (buckets, days) => (typeof days === 'number' ? buckets.find(([, max]) => days <= max)[0] : UNKNOWN);
const dues = (key) => [key.due_by_age && 'age', key.due_by_idle && 'idle'].filter(Boolean);
const notDue = (key) => (key.due_by_age === false && key.due_by_idle === false ? 'no' : UNKNOWN);
const dueText = (key) => dues(key).join(', ') || notDue(key);
const dueOf = (key) => (dues(key).length ? [...dues(key), 'any'] : [notDue(key)]);
const days = (value) => (typeof value === 'number' ? `${n(value)} d` : none());
