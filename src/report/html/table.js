// The key table: search, facets, sorting, virtual rows, CSV.

// ---- Key table: filters ---------------------------------------------------------------------------------------
// Each facet: its label, the values of a key, and the title of a value.
const FACETS = {
  verdict: ['Verdict', (key) => [key.verdict], (value) => (VERDICTS.find(([id]) => id === value) || [0, value])[1]],
  wave: [
    'Wave',
    (key) => [key.wave],
    (value) => {
      const wave = waveOf.get(value);
      return wave ? `${wave.number} ${wave.title.split(': ')[0]}` : value;
    },
  ],
  account: ['Account', (key) => [key.account || UNKNOWN], (value) => value],
  kind: [
    'Consumer kind',
    (key) => (key.consumers.length ? [...new Set(key.consumers.map((c) => c.kind))] : ['none']),
    (value) => (value === 'none' ? 'no consumer' : kindTitle(value)),
  ],
  gap: [
    'Evidence gap',
    (key) => (key.gaps.length ? [...new Set(key.gaps.map((gap) => gap.id))] : ['none']),
    (value) => value,
  ],
  due: [
    'Due',
    dueOf,
    (value) => ({ age: 'by age', idle: 'by idleness', any: 'by either', no: 'not due' })[value] || value,
  ],
  muted: ['Exempt', (key) => [typeof key.muted_by === 'number' ? 'yes' : 'no'], (value) => value],
  age: ['Age', (key) => [bucket(AGES, key.age_days)], (value) => value],
  idle: ['Idle', (key) => [bucket(IDLES, key.idle_days)], (value) => value],
};
const ORDER = {
  wave: (value) => waveOf.get(value)?.number,
  age: (value) => AGES.findIndex(([name]) => name === value) + 1 || 9,
  idle: (value) => IDLES.findIndex(([name]) => name === value) + 1 || 9,
};

const filters = { q: '' };
const sorting = { by: 'wave', down: false };
const controls = {};
let rows = []; // the keys that pass the filters, in order

// What the search looks through, made once per key at the first search.
const texts = new WeakMap();
function textOf(key) {
  if (!texts.has(key)) {
    const names = (counts) => counts.map((item) => item.name);
    const parts = [
      key.reference,
      key.user,
      key.account,
      key.consumers.map((c) => [
        c.kind_title,
        c.origin,
        names(c.programs),
        c.drivers,
        names(c.addresses),
        c.places,
        c.roles,
        c.calls.map((call) => `${call.service}:${call.name}`),
      ]),
    ];
    texts.set(key, parts.flat(Infinity).filter(Boolean).join('\n').toLowerCase());
  }
  return texts.get(key);
}

const COLUMNS = [
  // id, title, cell, what to sort by
  [
    'key',
    'Key',
    (key) => el('a', { href: keyHref(key.reference), class: 'mono' }, key.reference),
    (key) => key.reference,
  ],
  ['account', 'Account', (key) => key.account || none(), (key) => key.account],
  ['user', 'User', (key) => key.user || none(), (key) => key.user && key.user.toLowerCase()],
  ['status', 'Status', (key) => key.status || none(), (key) => key.status],
  ['age', 'Age', (key) => days(key.age_days), (key) => key.age_days],
  ['idle', 'Idle', (key) => days(key.idle_days), (key) => key.idle_days],
  ['verdict', 'Verdict', badge, (key) => VERDICTS.findIndex(([id]) => id === key.verdict)],
  ['wave', 'Wave', (key) => waveOf.get(key.wave)?.number || key.wave, (key) => waveOf.get(key.wave)?.number],
  [
    'consumers',
    'Consumers',
    (key) => kindsOf(key).join(', ') || none('none seen'),
    (key) => kindsOf(key).join(', ').toLowerCase() || undefined,
  ],
  ['due', 'Due', dueText, dueText],
];

function select() {
  const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = Object.keys(FACETS).filter((facet) => filters[facet]);
  rows = data.keys.filter(
    (key) =>
      wanted.every((facet) => FACETS[facet][1](key).includes(filters[facet])) &&
      (!words.length || words.every((word) => textOf(key).includes(word))),
  );
  const [value, sign] = [COLUMNS.find(([id]) => id === sorting.by)[3], sorting.down ? -1 : 1];
  const values = new Map(rows.map((key) => [key, value(key)]));
  rows.sort((one, other) => {
    // the unknown comes last either way
    const [a, b] = [values.get(one) ?? null, values.get(other) ?? null];
    if (a === b || a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return a < b ? -sign : sign;
  });
}

function refresh() {
  select();
  const total = data.keys.length;
  controls.result.textContent =
    rows.length === total ? `All ${count(total, 'key')}` : `${n(rows.length)} of ${count(total, 'key')}`;
  controls.clear.hidden = !Object.values(filters).some(Boolean);
  controls.csv.disabled = !rows.length;
  controls.noRows.hidden = rows.length > 0;
  controls.table.setAttribute('aria-rowcount', rows.length + 1);
  controls.printNote.textContent = `First ${n(Math.min(50, rows.length))} of ${count(rows.length, 'key')}${rows.length < total ? ` that match the filters, of ${n(total)} in all` : ''}. The HTML file holds every key, its evidence, coverage and method.`;
  controls.scroller.scrollTop = 0;
  controls.scroller.classList.toggle('short', rows.length < 8);
  for (const th of controls.heads)
    th.ariaSort = th.dataset.id !== sorting.by ? null : sorting.down ? 'descending' : 'ascending';
  for (const row of live.values()) row.remove();
  live.clear();
  draw();
}

function setFilters(values) {
  for (const name of ['q', ...Object.keys(FACETS)]) {
    filters[name] = values[name] || '';
    const control = controls[name];
    if (control.value !== filters[name]) control.value = filters[name];
    // A value that no key has, from an old link: show it rather than filter in secret.
    if (control.value !== filters[name]) {
      control.append(option(filters[name], filters[name]));
      control.value = filters[name];
    }
  }
  refresh();
}

// The address keeps the filters, so a filtered table can be sent to somebody who holds the same file.
function changed() {
  refresh();
  try {
    history.replaceState(null, '', filterHref(filters));
  } catch {
    /* some browsers refuse on file: */
  }
}

function option(value, title) {
  const node = el('option', null, title);
  node.value = value;
  return node;
}

function facetSelect(id) {
  const [label, valuesOf, title] = FACETS[id];
  const counts = new Map();
  for (const key of data.keys) for (const value of valuesOf(key)) counts.set(value, (counts.get(value) || 0) + 1);
  const found = [...counts].sort((a, b) =>
    ORDER[id] ? ORDER[id](a[0]) - ORDER[id](b[0]) : b[1] - a[1] || (a[0] < b[0] ? -1 : 1),
  );
  controls[id] = el(
    'select',
    {
      change: (event) => {
        filters[id] = event.target.value;
        changed();
      },
    },
    option('', 'any'),
    found.map(([value, total]) => option(value, `${title(value)} (${n(total)})`)),
  );
  return el('label', null, label, controls[id]);
}

// ---- Key table: virtual rows ----------------------------------------------------------------------------------
// Only rows in sight are in the document: thousands of rows would take seconds and most of a gigabyte.

const ROW = 40; // pixels; page.css sets the same height
const SPARE = 8; // rows kept above and below, so that Tab finds the next link
const live = new Map(); // index -> row element
let printing = false;
function draw() {
  const { scroller, above, below } = controls;
  const visibleRows = Math.ceil((scroller.clientHeight || 600) / ROW);
  const first = printing ? 0 : Math.max(0, Math.floor(scroller.scrollTop / ROW) - SPARE);
  const last = printing ? Math.min(50, rows.length) : Math.min(rows.length, first + visibleRows + 2 * SPARE);
  for (const [at, row] of live) {
    if (at >= first && at < last) continue;
    if (row.contains(document.activeElement)) scroller.focus({ preventScroll: true });
    row.remove();
    live.delete(at);
  }
  let next = below;
  for (let at = last - 1; at >= first; at -= 1) {
    let row = live.get(at);
    if (!row) {
      row = tableRow(rows[at], at);
      live.set(at, row);
      next.before(row);
    }
    next = row;
  }
  above.firstChild.style.height = printing ? '0' : `${first * ROW}px`;
  below.firstChild.style.height = printing ? '0' : `${(rows.length - last) * ROW}px`;
}

const tableRow = (key, at) =>
  el(
    'tr',
    { 'aria-rowindex': at + 2, 'data-at': at },
    COLUMNS.map(([id, , cell]) => {
      const content = cell(key);
      const title = typeof content === 'string' && content.length > 12 ? content : id === 'key' ? key.reference : null;
      return id === 'key' ? el('th', { scope: 'row', title }, content) : el('td', { class: `c-${id}`, title }, content);
    }),
  );

function focusRow(at) {
  if (at < 0 || at >= rows.length) return;
  const { scroller } = controls;
  const top = at * ROW;
  const room = scroller.clientHeight - 2 * ROW;
  if (top < scroller.scrollTop) scroller.scrollTop = top;
  else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
  draw();
  live.get(at).querySelector('a').focus();
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity };
function onTableKey(event) {
  const row = event.target.closest('tr[data-at]');
  if (!row || !(event.key in STEPS) || event.ctrlKey || event.altKey || event.metaKey) return;
  event.preventDefault();
  focusRow(Math.max(0, Math.min(rows.length - 1, Number(row.dataset.at) + STEPS[event.key])));
}

function keyTable() {
  const sortBy = (id) => () => {
    sorting.down = sorting.by === id && !sorting.down;
    sorting.by = id;
    refresh();
    say(`Sorted by ${id}, ${sorting.down ? 'descending' : 'ascending'}`);
  };
  let timer = 0;
  controls.q = el('input', {
    type: 'search',
    autocomplete: 'off',
    spellcheck: 'false',
    placeholder: 'key, user, account, program, address, service …',
    input: (event) => {
      filters.q = event.target.value;
      clearTimeout(timer);
      timer = setTimeout(changed, 120);
    },
  });
  controls.result = el('span', { class: 'result', role: 'status' });
  controls.clear = el(
    'button',
    {
      type: 'button',
      class: 'quiet',
      hidden: true,
      click: () => {
        setFilters({});
        changed();
        controls.q.focus();
      },
    },
    'Clear filters',
  );
  controls.csv = el('button', { type: 'button', click: downloadCsv }, 'Download CSV');
  controls.heads = COLUMNS.map(([id, title]) =>
    el(
      'th',
      { scope: 'col', 'data-id': id },
      el('button', { type: 'button', click: sortBy(id) }, title, el('span', { class: 'arrow', 'aria-hidden': 'true' })),
    ),
  );
  const spacer = () => el('tr', { class: 'spacer', 'aria-hidden': 'true' }, el('td', { colspan: COLUMNS.length }));
  [controls.above, controls.below] = [spacer(), spacer()];
  controls.table = el(
    'table',
    { class: 'keys', 'aria-labelledby': 'keys-title' },
    el(
      'colgroup',
      null,
      COLUMNS.map(([id]) => el('col', { class: `w-${id}` })),
    ),
    el('thead', null, el('tr', { 'aria-rowindex': '1' }, controls.heads)),
    el('tbody', { keydown: onTableKey }, controls.above, controls.below),
  );
  controls.scroller = el(
    'div',
    { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'Key table; arrow keys move between keys' },
    controls.table,
  );
  controls.noRows = empty(
    data.keys.length ? 'No key matches these filters.' : 'No access keys were found, so there is nothing to list.',
  );
  controls.printNote = el('p', { class: 'print-only' });
  let pending = false;
  const later = () => {
    if (!pending) {
      pending = true;
      requestAnimationFrame(() => {
        pending = false;
        draw();
      });
    }
  };
  controls.scroller.addEventListener('scroll', later, { passive: true });
  addEventListener('resize', later);
  addEventListener('beforeprint', () => {
    printing = true;
    draw();
  });
  addEventListener('afterprint', () => {
    printing = false;
    draw();
  });
  return section(
    'keys',
    'Keys',
    el(
      'form',
      { class: 'filters', role: 'search', 'aria-label': 'Filter keys', submit: (event) => event.preventDefault() },
      el('label', { class: 'grow' }, 'Search', controls.q),
      Object.keys(FACETS).map(facetSelect),
    ),
    el(
      'div',
      { class: 'toolbar' },
      controls.result,
      controls.clear,
      el('a', { class: 'skip', href: '#after-keys', click: jump('after-keys') }, 'Skip the key table'),
      controls.csv,
    ),
    controls.printNote,
    controls.scroller,
    controls.noRows,
    el('span', { id: 'after-keys', tabindex: '-1' }),
  );
}

// ---- CSV ------------------------------------------------------------------------------------------------------
// A spreadsheet runs cells that begin like a formula; an apostrophe keeps them text. Numbers are ours and stay.
function csvCell(value) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function downloadCsv() {
  const columns = {
    reference: (k) => k.reference,
    access_key_id: (k) => k.access_key_id,
    account: (k) => k.account,
    user: (k) => k.user,
    status: (k) => k.status,
    created: (k) => k.created,
    age_days: (k) => k.age_days,
    idle_days: (k) => k.idle_days,
    due: dueText,
    verdict: (k) => k.verdict,
    reasons: (k) => k.reasons.map((r) => r.text).join('; '),
    wave: (k) => k.wave,
    consumers: (k) => k.consumers.map((c) => `${c.kind_title} (${c.origin})`).join('; '),
    replacements: (k) => k.consumers.map((c) => c.replacement.title).join('; '),
    gaps: (k) => k.gaps.map((g) => g.id).join('; '),
    events: (k) => k.usage.events,
    last_event: (k) => k.usage.last,
  };
  const lines = [Object.keys(columns), ...rows.map((key) => Object.values(columns).map((of) => of(key)))];
  const text = lines.map((line) => `${line.map(csvCell).join(',')}\r\n`).join('');
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  el('a', { href: url, download: 'offkey-keys.csv' }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
  say(`CSV of ${count(rows.length, 'key')} downloaded`);
}
