// The report's behaviour: unpacks the embedded JSON and builds the page from it, as text nodes only.
'use strict';
(() => {
  // ---- Building DOM ---------------------------------------------------------------------------------------------
  // Every string may come from a log that an attacker wrote to. Nothing here parses markup; `visible` also shows
  // control, zero-width and direction-changing characters as escapes, so that no text can pose as another.

  const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
  const visible = (text) =>
    String(text).replace(HIDDEN, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);

  function fill(node, attrs, children) {
    for (const [name, value] of Object.entries(attrs || {})) {
      if ((value ?? false) === false) continue;
      if (typeof value === 'function') node.addEventListener(name, value);
      else node.setAttribute(name, value === true ? '' : visible(value));
    }
    const shown = children.flat(Infinity).filter((child) => (child ?? false) !== false);
    node.append(...shown.map((child) => child instanceof Node ? child : visible(child)));
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
  const jump = (id) => (event) => { event.preventDefault(); byId(id).focus(); }; // and keep the address
  const say = (text) => { byId('live').textContent = text; };

  // Seconds say nothing to a reader of a migration report; the attribute keeps the exact time.
  const when = (time) => {
    if (!time) return none();
    const short = time.length > 10 ? `${time.slice(0, 10)} ${time.slice(11, 16)} UTC` : time;
    return el('time', { datetime: time, title: time }, short);
  };
  const span = (first, last) => (first || last ? [when(first), ' – ', when(last)] : none('never seen'));
  const bytes = (value) => {
    const units = ['B', 'kB', 'MB', 'GB', 'TB']; let at = 0;
    while (value >= 1000 && at < units.length - 1) { value /= 1000; at += 1; }
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
  const icon = (name) => svg('svg', { class: 'icon', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' }, svg('path', { d: ICONS[name] || ICONS.investigate }));
  const badge = (key) => el('span', { class: `badge ${key.verdict}` }, icon(key.verdict), key.verdict_title);
  const tag = (text, kind) => el('span', { class: `tag ${kind || ''}` }, text);
  const callout = (...children) => el('div', { class: 'callout' }, icon('warn'), el('div', null, ...children));
  const empty = (...children) => el('p', { class: 'empty' }, ...children);

  // What is wider than the page scrolls by itself, and only then is a stop of the Tab key.
  const widths = new ResizeObserver((entries) => entries.forEach(({ target: box }) => {
    if (box.scrollWidth > box.clientWidth) box.tabIndex = 0; else box.removeAttribute('tabindex');
  }));
  function wide(label, child) {
    const box = el('div', { class: 'wide', role: 'group', 'aria-label': label }, child);
    widths.observe(box);
    return box;
  }
  const col = (title, field) => [title, (item) => item[field]];
  const num = (title, field) => [title, (item) => n(item[field]), 'num'];
  /** A table. Columns: [title, cell of item, class]; the first cell of each row is its header. */
  function table(caption, columns, items) {
    const cell = (item, [, of, kind], at) => at === 0 ? el('th', { scope: 'row', class: kind }, of(item)) : el('td', { class: kind }, of(item));
    return wide(caption, el('table', null, el('caption', { class: 'sr' }, caption),
        el('thead', null, el('tr', null, columns.map(([title, , kind]) => el('th', { scope: 'col', class: kind }, title)))),
        el('tbody', null, items.map((item) => el('tr', null, columns.map((column, at) => cell(item, column, at)))))));
  }

  /** A long list in part, saying so, with a button for the rest. `build` makes the whole from some items. */
  function capped(items, limit, what, build) {
    if (items.length <= limit) return build(items);
    const note = el('p', { class: 'muted' }, `${n(limit)} of ${n(items.length)} ${what} shown. `);
    const box = el('div', null, build(items.slice(0, limit)), note);
    const showAll = () => {
      const whole = build(items); whole.tabIndex = -1; box.replaceChildren(whole);
      whole.focus();
      say(`All ${n(items.length)} ${what} shown`);
    };
    note.append(el('button', { type: 'button', class: 'quiet', click: showAll }, `Show all ${n(items.length)}`));
    return box;
  }

  const list = (items, kind) => el('ul', { class: kind }, items.map((item) => el('li', null, item)));
  const facts = (pairs) => el('dl', { class: 'facts' }, pairs.filter(Boolean).map(([term, value]) =>
    el('div', null, el('dt', null, term), el('dd', null, value))));

  /** A disclosure whose content is built when it is first opened: most never are. */
  function details(title, build, open) {
    const node = el('details', { open }, el('summary', null, title));
    const once = () => { if (node.open && node.children.length === 1) node.append(build()); };
    node.addEventListener('toggle', once); once();
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
    return JSON.parse(await new Response(stream).text());
  }

  function index() {
    for (const wave of data.waves) waveOf.set(wave.id, wave);
    for (const kind of data.summary.kinds) kindTitles.set(kind.id, kind.title);
    for (const key of data.keys) {
      keyOf.set(key.reference, key);
      for (const consumer of key.consumers) kindTitles.set(consumer.kind, consumer.kind_title);
    }
  }

  const kindTitle = (id) => kindTitles.get(id) || id;
  const kindsOf = (key) => [...new Set(key.consumers.map((consumer) => consumer.kind_title))];
  const keyHref = (reference) => `#key=${encodeURIComponent(reference)}`;
  const keyLink = (reference) => keyOf.has(reference) ? el('a', { href: keyHref(reference), class: 'mono' }, reference) : mono(reference);
  const filterHref = (filters) => `#keys${Object.entries(filters).filter(([, value]) => value).map(([name, value]) => `&${name}=${encodeURIComponent(value)}`).join('')}`;
  const AGES = [['90 days or less', 90], ['91–180 days', 180], ['181–365 days', 365], ['1–2 years', 730], ['over 2 years', Infinity]];
  const IDLES = [['7 days or less', 7], ['8–30 days', 30], ['31–90 days', 90], ['91–365 days', 365], ['over 365 days', Infinity]];
  const UNKNOWN = 'unknown';
  const bucket = (buckets, days) => typeof days === 'number' ? buckets.find(([, max]) => days <= max)[0] : UNKNOWN;
  const dues = (key) => [key.due_by_age && 'age', key.due_by_idle && 'idle'].filter(Boolean);
  const notDue = (key) => key.due_by_age === false && key.due_by_idle === false ? 'no' : UNKNOWN;
  const dueText = (key) => dues(key).join(', ') || notDue(key);
  const dueOf = (key) => dues(key).length ? [...dues(key), 'any'] : [notDue(key)];
  const days = (value) => typeof value === 'number' ? `${n(value)} d` : none();

  // ---- Sections of the report -----------------------------------------------------------------------------------
  const section = (id, title, ...children) => el('section', { id, 'aria-labelledby': `${id}-title` }, el('h2', { id: `${id}-title`, tabindex: '-1' }, title), ...children);
  function intro() {
    const s = data.summary;
    return el('div', { class: 'intro' }, el('h1', { id: 'report-title', tabindex: '-1' }, data.title),
      el('p', { class: 'muted' }, 'As of ', when(data.as_of), ` · ${count(s.accounts, 'account')} · ${count(s.users, 'user')} · `,
        `${count(s.keys, 'access key')} · ${count(s.events, 'CloudTrail event')} · offkey ${data.offkey_version}`));
  }

  const VERDICTS = [['retire', 'retire now', 'nothing uses them'], ['replace', 'replace with a role', 'every consumer has a replacement'],
    ['rotate', 'rotate for now', 'something cannot do without a key yet'], ['investigate', 'investigate first', 'evidence is missing, or something is wrong']];

  function summary() {
    const s = data.summary;
    const tiles = VERDICTS.map(([id, title, why]) => {
      const total = s.verdicts.find((verdict) => verdict.id === id)?.count || 0;
      const share = s.keys ? ` (${Math.round((100 * total) / s.keys)} %)` : '';
      const inside = [el('span', { class: 'tile-name' }, icon(id), title), el('span', { class: 'tile-count' }, n(total)), el('span', { class: 'muted' }, `${why}${share}`)];
      return el('li', null, total ? el('a', { class: `tile ${id}`, href: filterHref({ verdict: id }) }, inside) : el('div', { class: `tile ${id}` }, inside));
    });
    const t = data.thresholds;
    const figures = [[n(s.keys_due), `of ${count(s.keys, 'key')} due: older than ${n(t.max_age_days)} or idle for more than ${count(t.max_idle_days, 'day')}`],
      [n(s.consumers), `${s.consumers === 1 ? 'consumer' : 'consumers'} found, ${n(s.consumers_identified)} identified by kind`],
      [n(s.keys_with_gaps), s.keys_with_gaps === 1 ? 'key has a gap that forbids calling it unused' : 'keys have gaps that forbid calling them unused']];
    return section('summary', 'Executive summary',
      !s.keys && empty('No access keys were found in these inputs. Give a credential report or the account’s authorization details to list keys, and CloudTrail logs to see their use.'),
      s.keys > 0 && !s.events && callout('No CloudTrail events were read. Last uses come from IAM’s own record alone: who uses a key, from where, and what for, is not known.'),
      el('ul', { class: 'tiles' }, tiles), el('ul', { class: 'figures' }, figures.map(([figure, text]) => el('li', null, el('strong', null, figure), ' ', text))),
      el('div', { class: 'split' }, el('div', null, el('h3', null, 'Main findings'),
          s.findings.length ? el('ol', { class: 'findings' }, s.findings.map((text) => el('li', null, text))) : empty('No findings stand out.')),
        el('div', null, el('h3', null, 'Consumers by kind'), kindChart(s.kinds.filter((kind) => kind.count > 0)))));
  }

  // Bars are given in percent, so the picture fits any width without being drawn again.
  function kindChart(kinds) {
    if (!kinds.length) return empty('No consumer was found: no record shows any key in use.');
    const most = Math.max(...kinds.map((kind) => kind.count));
    const bars = kinds.map((kind, at) => svg('g', null, svg('text', { x: '0', y: at * 34 + 13 }, fit(kind.title, 250)),
      svg('text', { x: '100%', y: at * 34 + 13, 'text-anchor': 'end', class: 'strong' }, n(kind.count)),
      svg('rect', { x: '0', y: at * 34 + 19, width: '100%', height: 7, rx: 3, class: 'track' }),
      svg('rect', { x: '0', y: at * 34 + 19, width: `${Math.max(1, (100 * kind.count) / most)}%`, height: 7, rx: 3, class: kind.id === 'unknown' ? 'bar-unknown' : 'bar' })));
    const share = (kind) => `${Math.round((100 * kind.count) / Math.max(1, data.summary.consumers))} %`;
    return el('div', null,
      svg('svg', { class: 'bars', width: '100%', height: kinds.length * 34, role: 'img', 'aria-label': 'Bar chart of consumers by kind; the table below holds the same numbers' }, bars),
      details('The same as a table', () => table('Consumers by kind', [['Kind', (kind) => el('a', { href: filterHref({ kind: kind.id }) }, kind.title)],
        num('Consumers', 'count'), ['Share', share, 'num']], kinds)));
  }

  function waves() {
    const card = (wave) => {
      const [name, why] = wave.title.split(/: (.*)/s);
      return el('li', { class: wave.keys.length ? 'wave' : 'wave none' }, el('span', { class: 'wave-number', 'aria-hidden': 'true' }, wave.number),
        el('div', null, el('h3', null, el('span', { class: 'sr' }, `Wave ${wave.number}: `), name), why && el('p', { class: 'muted' }, why)),
        wave.keys.length ? el('a', { class: 'wave-link', href: filterHref({ wave: wave.id }) }, el('span', { class: 'screen' }, 'Show '), el('strong', null, count(wave.keys.length, 'key')),
          el('span', { class: 'sr' }, ` of wave ${wave.number}`)) : el('span', { class: 'muted' }, 'no keys'));
    };
    return section('waves', 'Migration waves', el('p', { class: 'lead' }, 'The order of work. Every key is in exactly one wave.'), el('ol', { class: 'waves' }, data.waves.map(card)));
  }

  function heatMap() {
    const names = (buckets) => [...buckets.map(([name]) => name), UNKNOWN];
    const counts = new Map();
    const add = (cell) => counts.set(cell, (counts.get(cell) || 0) + 1);
    for (const key of data.keys) {
      const [age, idle] = [bucket(AGES, key.age_days), bucket(IDLES, key.idle_days)];
      [`${age}|${idle}`, `${age}|`, `|${idle}`].forEach(add);
    }
    const of = (age, idle) => counts.get(`${age}|${idle}`) || 0;
    const most = Math.max(1, ...names(AGES).flatMap((age) => names(IDLES).map((idle) => of(age, idle))));
    const cell = (age, idle, total) => {
      const value = of(age, idle);
      const level = total || !value ? 0 : Math.ceil(4 * Math.sqrt(value / most));
      const where = [age && `age ${age}`, idle && `idle ${idle}`].filter(Boolean).join(', ');
      return el('td', { class: `heat${level}${total ? ' total' : ''}` }, value
        ? el('a', { href: filterHref({ age, idle }), 'aria-label': `${count(value, 'key')}: ${where}` }, n(value)) : el('span', { class: 'muted' }, '0'));
    };
    return section('ages', 'Age and idleness',
      el('p', { class: 'lead' }, 'Keys by age (rows) and days since their last known use (columns). A key never used is idle since its creation.'),
      data.keys.length ? wide('Keys by age and idleness', el('table', { class: 'heat' }, el('caption', { class: 'sr' }, 'Number of keys by age and idleness'),
          el('thead', null, el('tr', null, el('th', { scope: 'col' }, 'Age ↓  Idle →'), names(IDLES).map((idle) => el('th', { scope: 'col' }, idle)),
            el('th', { scope: 'col' }, 'all'))),
          el('tbody', null, names(AGES).map((age) => el('tr', null, el('th', { scope: 'row' }, age), names(IDLES).map((idle) => cell(age, idle)), cell(age, '', true))),
          el('tr', null, el('th', { scope: 'row' }, 'all'), names(IDLES).map((idle) => cell('', idle, true)),
            el('td', { class: 'total' }, n(data.keys.length)))))) : empty('There are no keys to show.'));
  }

  // ---- Key table: filters ---------------------------------------------------------------------------------------
  // Each facet: its label, the values of a key, and the title of a value.
  const FACETS = {
    verdict: ['Verdict', (key) => [key.verdict], (value) => (VERDICTS.find(([id]) => id === value) || [0, value])[1]],
    wave: ['Wave', (key) => [key.wave], (value) => { const wave = waveOf.get(value); return wave ? `${wave.number} ${wave.title.split(': ')[0]}` : value; }],
    account: ['Account', (key) => [key.account || UNKNOWN], (value) => value],
    kind: ['Consumer kind', (key) => key.consumers.length ? [...new Set(key.consumers.map((c) => c.kind))] : ['none'],
      (value) => value === 'none' ? 'no consumer' : kindTitle(value)],
    gap: ['Evidence gap', (key) => key.gaps.length ? [...new Set(key.gaps.map((gap) => gap.id))] : ['none'], (value) => value],
    due: ['Due', dueOf, (value) => ({ age: 'by age', idle: 'by idleness', any: 'by either', no: 'not due' })[value] || value],
    age: ['Age', (key) => [bucket(AGES, key.age_days)], (value) => value],
    idle: ['Idle', (key) => [bucket(IDLES, key.idle_days)], (value) => value],
  };
  const ORDER = { wave: (value) => waveOf.get(value)?.number, age: (value) => AGES.findIndex(([name]) => name === value) + 1 || 9,
    idle: (value) => IDLES.findIndex(([name]) => name === value) + 1 || 9 };

  const filters = { q: '' };
  const sorting = { by: 'wave', down: false };
  const controls = {};
  let rows = []; // the keys that pass the filters, in order

  // What the search looks through, made once per key at the first search.
  const texts = new WeakMap();
  function textOf(key) {
    if (!texts.has(key)) {
      const names = (counts) => counts.map((item) => item.name);
      const parts = [key.reference, key.user, key.account, key.consumers.map((c) => [c.kind_title, c.origin, names(c.programs), c.drivers,
        names(c.addresses), c.places, c.roles, c.calls.map((call) => `${call.service}:${call.name}`)])];
      texts.set(key, parts.flat(Infinity).filter(Boolean).join('\n').toLowerCase());
    }
    return texts.get(key);
  }

  const COLUMNS = [ // id, title, cell, what to sort by
    ['key', 'Key', (key) => el('a', { href: keyHref(key.reference), class: 'mono' }, key.reference), (key) => key.reference],
    ['account', 'Account', (key) => key.account || none(), (key) => key.account],
    ['user', 'User', (key) => key.user || none(), (key) => key.user && key.user.toLowerCase()],
    ['status', 'Status', (key) => key.status || none(), (key) => key.status],
    ['age', 'Age', (key) => days(key.age_days), (key) => key.age_days],
    ['idle', 'Idle', (key) => days(key.idle_days), (key) => key.idle_days],
    ['verdict', 'Verdict', badge, (key) => VERDICTS.findIndex(([id]) => id === key.verdict)],
    ['wave', 'Wave', (key) => waveOf.get(key.wave)?.number || key.wave, (key) => waveOf.get(key.wave)?.number],
    ['consumers', 'Consumers', (key) => kindsOf(key).join(', ') || none('none seen'), (key) => kindsOf(key).join(', ').toLowerCase() || undefined],
    ['due', 'Due', dueText, dueText],
  ];

  function select() {
    const words = filters.q.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = Object.keys(FACETS).filter((facet) => filters[facet]);
    rows = data.keys.filter((key) => wanted.every((facet) => FACETS[facet][1](key).includes(filters[facet])) &&
      (!words.length || words.every((word) => textOf(key).includes(word))));
    const [value, sign] = [COLUMNS.find(([id]) => id === sorting.by)[3], sorting.down ? -1 : 1];
    const values = new Map(rows.map((key) => [key, value(key)]));
    rows.sort((one, other) => { // the unknown comes last either way
      const [a, b] = [values.get(one) ?? null, values.get(other) ?? null];
      if (a === b || a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
      return a < b ? -sign : sign;
    });
  }

  function refresh() {
    select(); const total = data.keys.length;
    controls.result.textContent = rows.length === total ? `All ${count(total, 'key')}` : `${n(rows.length)} of ${count(total, 'key')}`;
    controls.clear.hidden = !Object.values(filters).some(Boolean);
    controls.csv.disabled = !rows.length; controls.noRows.hidden = rows.length > 0;
    controls.table.setAttribute('aria-rowcount', rows.length + 1);
    controls.printNote.textContent = `First ${n(Math.min(50, rows.length))} of ${count(rows.length, 'key')}${rows.length < total ? ` that match the filters, of ${n(total)} in all` : ''}. The HTML file holds every key, its evidence, coverage and method.`;
    controls.scroller.scrollTop = 0;
    controls.scroller.classList.toggle('short', rows.length < 8);
    for (const th of controls.heads) th.ariaSort = th.dataset.id !== sorting.by ? null : sorting.down ? 'descending' : 'ascending';
    for (const row of live.values()) row.remove();
    live.clear(); draw();
  }

  function setFilters(values) {
    for (const name of ['q', ...Object.keys(FACETS)]) {
      filters[name] = values[name] || ''; const control = controls[name];
      if (control.value !== filters[name]) control.value = filters[name];
      // A value that no key has, from an old link: show it rather than filter in secret.
      if (control.value !== filters[name]) { control.append(option(filters[name], filters[name])); control.value = filters[name]; }
    }
    refresh();
  }

  // The address keeps the filters, so a filtered table can be sent to somebody who holds the same file.
  function changed() {
    refresh();
    try { history.replaceState(null, '', filterHref(filters)); } catch { /* some browsers refuse on file: */ }
  }

  function option(value, title) { const node = el('option', null, title); node.value = value; return node; }

  function facetSelect(id) {
    const [label, valuesOf, title] = FACETS[id]; const counts = new Map();
    for (const key of data.keys) for (const value of valuesOf(key)) counts.set(value, (counts.get(value) || 0) + 1);
    const found = [...counts].sort((a, b) => ORDER[id] ? ORDER[id](a[0]) - ORDER[id](b[0]) : b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    controls[id] = el('select', { change: (event) => { filters[id] = event.target.value; changed(); } },
      option('', 'any'), found.map(([value, total]) => option(value, `${title(value)} (${n(total)})`)));
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
      row.remove(); live.delete(at);
    }
    let next = below;
    for (let at = last - 1; at >= first; at -= 1) {
      let row = live.get(at);
      if (!row) { row = tableRow(rows[at], at); live.set(at, row); next.before(row); }
      next = row;
    }
    above.firstChild.style.height = printing ? '0' : `${first * ROW}px`;
    below.firstChild.style.height = printing ? '0' : `${(rows.length - last) * ROW}px`;
  }

  const tableRow = (key, at) => el('tr', { 'aria-rowindex': at + 2, 'data-at': at }, COLUMNS.map(([id, , cell]) => {
    const content = cell(key);
    const title = typeof content === 'string' && content.length > 12 ? content : id === 'key' ? key.reference : null;
    return id === 'key' ? el('th', { scope: 'row', title }, content) : el('td', { class: `c-${id}`, title }, content);
  }));

  function focusRow(at) {
    if (at < 0 || at >= rows.length) return;
    const { scroller } = controls; const top = at * ROW;
    const room = scroller.clientHeight - 2 * ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + room) scroller.scrollTop = top - room;
    draw(); live.get(at).querySelector('a').focus();
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
      sorting.down = sorting.by === id && !sorting.down; sorting.by = id;
      refresh();
      say(`Sorted by ${id}, ${sorting.down ? 'descending' : 'ascending'}`);
    };
    let timer = 0;
    controls.q = el('input', { type: 'search', autocomplete: 'off', spellcheck: 'false', placeholder: 'key, user, account, program, address, service …',
      input: (event) => { filters.q = event.target.value; clearTimeout(timer); timer = setTimeout(changed, 120); } });
    controls.result = el('span', { class: 'result', role: 'status' });
    controls.clear = el('button', { type: 'button', class: 'quiet', hidden: true, click: () => { setFilters({}); changed(); controls.q.focus(); } }, 'Clear filters');
    controls.csv = el('button', { type: 'button', click: downloadCsv }, 'Download CSV');
    controls.heads = COLUMNS.map(([id, title]) => el('th', { scope: 'col', 'data-id': id },
      el('button', { type: 'button', click: sortBy(id) }, title, el('span', { class: 'arrow', 'aria-hidden': 'true' }))));
    const spacer = () => el('tr', { class: 'spacer', 'aria-hidden': 'true' }, el('td', { colspan: COLUMNS.length }));
    [controls.above, controls.below] = [spacer(), spacer()];
    controls.table = el('table', { class: 'keys', 'aria-labelledby': 'keys-title' }, el('colgroup', null, COLUMNS.map(([id]) => el('col', { class: `w-${id}` }))),
      el('thead', null, el('tr', { 'aria-rowindex': '1' }, controls.heads)), el('tbody', { keydown: onTableKey }, controls.above, controls.below));
    controls.scroller = el('div', { class: 'scroller', tabindex: '0', role: 'region', 'aria-label': 'Key table; arrow keys move between keys' }, controls.table);
    controls.noRows = empty(data.keys.length ? 'No key matches these filters.' : 'No access keys were found, so there is nothing to list.');
    controls.printNote = el('p', { class: 'print-only' }); let pending = false;
    const later = () => { if (!pending) { pending = true; requestAnimationFrame(() => { pending = false; draw(); }); } };
    controls.scroller.addEventListener('scroll', later, { passive: true });
    addEventListener('resize', later);
    addEventListener('beforeprint', () => { printing = true; draw(); });
    addEventListener('afterprint', () => { printing = false; draw(); });
    return section('keys', 'Keys', el('form', { class: 'filters', role: 'search', 'aria-label': 'Filter keys', submit: (event) => event.preventDefault() },
        el('label', { class: 'grow' }, 'Search', controls.q), Object.keys(FACETS).map(facetSelect)),
      el('div', { class: 'toolbar' }, controls.result, controls.clear, el('a', { class: 'skip', href: '#after-keys', click: jump('after-keys') }, 'Skip the key table'), controls.csv), controls.printNote, controls.scroller, controls.noRows, el('span', { id: 'after-keys', tabindex: '-1' }));
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
    const columns = { reference: (k) => k.reference, access_key_id: (k) => k.access_key_id, account: (k) => k.account, user: (k) => k.user,
      status: (k) => k.status, created: (k) => k.created, age_days: (k) => k.age_days, idle_days: (k) => k.idle_days, due: dueText,
      verdict: (k) => k.verdict, reasons: (k) => k.reasons.map((r) => r.text).join('; '), wave: (k) => k.wave,
      consumers: (k) => k.consumers.map((c) => `${c.kind_title} (${c.origin})`).join('; '),
      replacements: (k) => k.consumers.map((c) => c.replacement.title).join('; '), gaps: (k) => k.gaps.map((g) => g.id).join('; '),
      events: (k) => k.usage.events, last_event: (k) => k.usage.last };
    const lines = [Object.keys(columns), ...rows.map((key) => Object.values(columns).map((of) => of(key)))];
    const text = lines.map((line) => `${line.map(csvCell).join(',')}\r\n`).join('');
    const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
    el('a', { href: url, download: 'offkey-keys.csv' }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    say(`CSV of ${count(rows.length, 'key')} downloaded`);
  }

  // ---- Users, coverage, method ----------------------------------------------------------------------------------
  function users() {
    const shared = data.shared_consumers; const sessions = data.user_sessions;
    const unknown = data.users_with_unknown_keys;
    return section('users', 'Users and shared consumers', el('h3', null, `Shared consumers (${n(shared.length)})`),
      shared.length ? [el('p', { class: 'lead' }, 'One program at one place that uses several keys: migrate these keys together.'),
        capped(shared, 100, 'shared consumers', (items) => table('Shared consumers', [col('Program and place', 'origin'),
          ['Keys', (item) => item.keys.length, 'num'], ['References', (item) => capped(item.keys, 12, 'keys', (keys) => list(keys.map(keyLink), 'inline'))]], items))]
        : empty('No program was seen to use several keys from one place.'),
      el('h3', null, `Users with unknown keys (${n(unknown.length)})`),
      unknown.length ? [el('p', { class: 'lead' }, 'No input says whether these users have keys. A credential report of their account would.'),
        capped(unknown, 100, 'users', (items) => table('Users with unknown keys', [col('User', 'user'), col('Account', 'account')], items))]
        : empty('For every user seen, an input says which keys there are.'),
      el('h3', null, `User sessions without a key (${n(sessions.length)})`),
      sessions.length ? [el('p', { class: 'lead' }, 'Sessions of IAM users that derive from no key seen: the console and the like. Retiring keys does not stop them.'),
        capped(sessions, 100, 'users', (items) => table('User sessions', [col('User', 'user'), col('Account', 'account'),
          ['From', (item) => item.console ? 'console' : 'unknown origin'], num('Events', 'events'), ['Seen', (item) => span(item.first, item.last)]], items))]
        : empty('No such sessions were seen.'));
  }

  function coverage() {
    const c = data.coverage;
    const sum = (account, field) => account.regions.reduce((total, region) => total + region[field], 0);
    const yes = (value) => value ? 'read' : el('span', { class: 'gap' }, icon('warn'), 'not read');
    const account = (a) => el('div', { class: 'under' },
      a.regions.length ? table(`Regions of ${a.account}`, [col('Region', 'region'), col('First day', 'first_day'), col('Last day', 'last_day'),
        num('Days', 'days'), num('Management events', 'management_events'), num('Data events', 'data_events'), num('Other events', 'other_events'), num('Log objects', 'objects'),
        ['Damaged', (r) => r.damaged_objects ? el('span', { class: 'gap' }, icon('warn'), n(r.damaged_objects)) : '0', 'num']], a.regions)
        : empty('No CloudTrail events of this account were read.'),
      facts([['Days without events', a.missing_days.length ? capped(a.missing_days, 60, 'days', (items) => list(items, 'inline')) : 'none in the window'],
        ['Data events of', a.data_events_of.join(', ') || 'no service: object-level and function-level use is invisible'],
        ['Trails', a.trails.length ? list(a.trails) : none('not described by any input')]]));
    return section('coverage', 'Coverage: what we could not see',
      c.unknowns.length ? callout(el('h3', null, 'Not known'), list(c.unknowns)) : empty('No general unknowns are recorded.'),
      el('h3', null, `Accounts (${n(c.accounts.length)})`), c.accounts.length ? [table('Coverage by account', [col('Account', 'account'),
        ['Events from – to', (a) => a.first_day ? span(a.first_day, a.last_day) : el('span', { class: 'gap' }, icon('warn'), 'no events')],
        ['Missing days', (a) => a.missing_days.length ? el('span', { class: 'gap' }, icon('warn'), n(a.missing_days.length)) : '0', 'num'],
        ['Regions', (a) => n(a.regions.length), 'num'], ['Management events', (a) => n(sum(a, 'management_events')), 'num'],
        ['Data events', (a) => n(sum(a, 'data_events')), 'num'],
        ['Credential report', (a) => a.credential_report ? when(a.credential_report) : yes(false)],
        ['Authorization details', (a) => yes(a.authorization_details)], ['Key list', (a) => yes(a.access_key_list)]], c.accounts),
      el('h4', null, 'Regions, days and trails'),
      c.accounts.map((a) => details(`${a.account}: ${count(a.regions.length, 'region')}, ${count(a.missing_days.length, 'missing day')}`, () => account(a), c.accounts.length === 1))]
        : empty('No account appears in the inputs.'),
      el('h3', null, 'Network range files'), c.ranges.length ? table('Network range files', [col('Provider', 'title'), col('Version', 'date'), num('Prefixes', 'prefixes')], c.ranges)
        : empty('None were loaded: addresses could not be told apart by provider.'),
      el('h3', null, `Passed over while reading (${n(data.skipped.length)})`),
      data.skipped_by_reason.length ? table('Skipped by reason', [col('Reason', 'title'), num('Count', 'count')], data.skipped_by_reason) : empty('Everything in the inputs was read.'),
      data.skipped.length > 0 && details(`List of what was passed over (${n(data.skipped.length)})`, () => capped(data.skipped, 200, 'entries', (items) =>
        table('Skipped', [['Source', (s) => mono(s.source)], ['Byte', (s) => typeof s.offset === 'number' ? n(s.offset) : '', 'num'], col('Reason', 'reason'), col('Detail', 'detail')], items))));
  }

  function method() {
    const m = data.method;
    return section('method', 'Method', facts([['Events read', n(m.events_read)], ['Duplicates set aside', n(m.duplicates)], ['Usage rows', n(m.usage_rows)],
        ['Due', `older than ${n(data.thresholds.max_age_days)} days, or idle for more than ${n(data.thresholds.max_idle_days)}`],
        ['Made by', `offkey ${data.offkey_version}, format ${data.schema}`]]),
      el('h3', null, 'Notes'), m.notes.length ? list(m.notes) : empty('None.'), el('h3', null, `Inputs (${n(m.inputs.length)})`),
      m.inputs.length ? table('Inputs', [['Input', (i) => mono(i.name)], num('Files', 'files'), ['Size', (i) => bytes(i.bytes), 'num'],
        ['SHA-256 over the files', (i) => el('code', { class: 'hash' }, i.sha256)]], m.inputs) : empty('No inputs were given.'));
  }

  // ---- Key page -------------------------------------------------------------------------------------------------
  const calls = (items) => table('Calls', [col('Service', 'service'), col('Call', 'name'), num('Events', 'events'), num('Denied', 'denied'), num('Failed', 'failed')], items);
  const counted = (items, total, what) => !items.length ? none('none') : [
    capped(items, 15, what, (some) => list(some.map((item) => [mono(item.name), el('span', { class: 'muted' }, ` ${n(item.events)}`)]))),
    total > items.length && el('p', { class: 'muted' }, `${n(items.length)} of ${n(total)} ${what} are in this report, the busiest first.`)];
  const rhythm = (it) => it.rhythm ? `${it.rhythm}, ${count(it.active_days, 'active day')}, longest silence ${count(it.longest_gap_days, 'day')}` : none('no record');
  function lastUsed(key) {
    const l = key.last_used;
    if (l.state !== 'at') return l.state === 'never' ? 'never' : none();
    return [when(l.time), [l.service && ` by ${l.service}`, l.region && ` in ${l.region}`].filter(Boolean).join('')];
  }

  async function copy(pre) {
    try {
      await navigator.clipboard.writeText(pre.textContent); say('Copied');
    } catch { // no permission: leave it selected for Ctrl+C
      getSelection().selectAllChildren(pre); say('Selected; press Ctrl+C to copy');
    }
  }

  const OUTCOMES = { 'new-role': 'a new role', 'existing-role': 'a role that exists', 'sign-in': 'a sign-in', rotate: 'no role yet: rotate', identify: 'identify it first' };
  function replacement(r) {
    const pre = r.trust_policy && el('pre', { tabindex: '0', role: 'group', 'aria-label': 'Trust policy' }, JSON.stringify(r.trust_policy, null, 2));
    return el('div', { class: 'replacement' },
      el('h4', null, 'Replacement: ', r.title), el('p', null, tag(OUTCOMES[r.outcome] || r.outcome), el('span', { class: 'muted' }, ` rule ${r.rule}`)),
      r.steps.length > 0 && el('ol', null, r.steps.map((step) => el('li', null, step))),
      r.unblock && el('p', null, el('strong', null, 'A role becomes possible with: '), r.unblock), r.caveats.length > 0 && [el('h5', null, 'Watch out'), list(r.caveats)],
      pre && [el('div', { class: 'pre-head' }, el('h5', null, 'Trust policy'),
        el('button', { type: 'button', class: 'quiet', click: () => copy(pre) }, 'Copy', el('span', { class: 'sr' }, ' trust policy'))), pre],
      r.needs.length > 0 && [el('h5', null, 'To fill in'), table('Placeholders', [['Placeholder', (need) => mono(`<${need.name}>`)], col('Question', 'ask')], r.needs)]);
  }

  const STRENGTH = { strong: 3, medium: 2, weak: 1 };
  function consumer(c) {
    const signals = [...c.signals].sort((a, b) => (STRENGTH[b.strength] || 0) - (STRENGTH[a.strength] || 0));
    return el('section', { class: 'card' },
      el('div', { class: 'card-head' }, el('h3', null, c.kind_title), tag(`${c.confidence} confidence`), !c.seen && tag('presumed: no record shows it', 'gap')),
      el('p', { class: 'origin' }, c.origin), c.rival && callout(`Nearly as plausible: ${kindTitle(c.rival)}. Ask the owner which it is before anything changes.`),
      el('div', { class: 'split' }, el('div', null, el('h4', null, 'What speaks for it'),
        signals.length ? el('ul', { class: 'signals' }, signals.map((s) => el('li', null, tag(s.strength), ' ', s.text, s.kind !== c.kind && el('span', { class: 'muted' }, ` (for ${kindTitle(s.kind)})`))))
          : empty('No signal: nothing tells what it is.'),
        facts([['Events', n(c.events)], ['Seen', span(c.first, c.last)], ['Rhythm', rhythm(c)],
          ['Programs (events)', counted(c.programs, 0, 'programs')], c.drivers.length && ['Driven by', c.drivers.join(', ')],
          ['Places', c.places.join(', ') || none()], ['Regions', c.regions.join(', ') || none('none')],
          ['Addresses (events)', counted(c.addresses, c.addresses_total, 'addresses')],
          c.credential_sources.length && ['Where the secret lies', [c.credential_sources.join(', '), el('span', { class: 'muted' }, ' (a hint, no proof)')]],
          c.roles.length && ['Roles assumed', list(c.roles.map(mono))],
          c.session_paths.length && ['Worked under sessions', counted(c.session_paths, 0, 'paths')],
          c.sample_event_id && ['First event', mono(c.sample_event_id)], ['Consumer id', mono(c.id)]])),
      replacement(c.replacement)), c.calls.length > 0 && details(`Calls (${n(c.calls.length)})`, () => capped(c.calls, 100, 'calls', calls), c.calls.length <= 12),
      c.user_agents.length > 0 && details(`User agents (${n(c.user_agents_total)})`, () => el('div', { class: 'under' }, counted(c.user_agents, c.user_agents_total, 'agents'))));
  }

  // The picture of a key: places, consumers, the key, services. At most 40 nodes; what is left out is one node more.
  const pen = document.createElement('canvas').getContext('2d');
  function fit(text, width) {
    pen.font = '12px system-ui, sans-serif'; let shown = visible(text);
    if (pen.measureText(shown).width <= width) return shown;
    if (shown.length > 80) shown = shown.slice(0, 80);
    while (shown.length > 1 && pen.measureText(`${shown}…`).width > width) shown = shown.slice(0, -1);
    return `${shown}…`;
  }

  function graphOf(key) {
    const column = (names, most, what) => {
      const shown = names.length > most ? names.slice(0, most - 1) : names;
      const rest = names.length - shown.length;
      return rest ? [...shown, { id: '\u0000rest', label: `${n(rest)} more ${what}`, rest: true }] : shown;
    };
    const services = new Map();
    for (const call of key.consumers.flatMap((c) => c.calls)) services.set(call.service, (services.get(call.service) || 0) + call.events);
    const users = column(key.consumers.map((c) => ({ id: c.id, label: c.kind_title, note: c.origin, events: c.events, places: c.places })), 13, 'consumers');
    const places = column([...new Set(users.flatMap((c) => c.places || []))].map((place) => ({ id: place, label: place })), 13, 'places');
    const called = column([...services].sort((a, b) => b[1] - a[1]).map(([name, events]) => ({ id: name, label: name, events })), 13, 'services');
    const me = { id: 'key', label: key.reference, note: key.user };
    const at = (nodes, id) => nodes.find((node) => node.id === id) || nodes.find((node) => node.rest);
    const edges = [...users.flatMap((c) => [...new Set((c.places || []).map((place) => at(places, place)))].map((place) => [place, c])),
      ...users.map((c) => [c, me, c.events]), ...called.map((service) => [me, service, service.events])];
    return { columns: [places, users, [me], called], edges };
  }

  function graph(key) {
    const { columns, edges } = graphOf(key);
    const [W, H, GAP, BOX] = [960, 44, 10, 196];
    const height = Math.max(...columns.map((nodes) => nodes.length)) * (H + GAP) + 24;
    const step = (W - BOX) / 3;
    const heads = ['Places', 'Consumers', 'Key', 'Services called'];
    columns.forEach((nodes, column) => nodes.forEach((node, at) => {
      node.x = column * step;
      node.y = 24 + (height - 24 - nodes.length * (H + GAP)) / 2 + at * (H + GAP) + GAP / 2;
    }));
    const line = ([from, to, events]) => {
      const [x1, y1, x2, y2] = [from.x + BOX, from.y + H / 2, to.x, to.y + H / 2];
      const mid = (x1 + x2) / 2;
      return svg('path', { d: `M${x1} ${y1}C${mid} ${y1} ${mid} ${y2} ${x2} ${y2}`, 'stroke-width': 1 + Math.min(4, Math.log10((events || 0) + 1)), class: 'edge' });
    };
    const box = (kind) => (node) => svg('g', { class: `node ${kind}` }, svg('title', null, [node.label, node.note].filter(Boolean).join(' – ')),
      svg('rect', { x: node.x, y: node.y, width: BOX, height: H, rx: 6 }), svg('text', { x: node.x + 10, y: node.y + (node.note ? 19 : 26) }, fit(node.label, BOX - 20)),
      node.note && svg('text', { x: node.x + 10, y: node.y + 35, class: 'note' }, fit(node.note, BOX - 20)));
    const picture = svg('svg', { class: 'graph', viewBox: `-1 0 ${W + 2} ${height}`, role: 'img', 'aria-label': 'Graph of places, consumers, the key and services; the table below holds the same edges' },
      heads.map((head, at) => svg('text', { x: at * step, y: 14, class: 'note' }, head)), edges.map(line), columns.map((nodes, at) => nodes.map(box(at === 2 ? 'me' : ''))));
    const name = (node) => node.note && node.id !== 'key' ? `${node.label}: ${node.note}` : node.label;
    return el('div', null, wide('Graph', picture), details('The same as a table', () => table('Edges of the graph', [['From', ([from]) => name(from)], ['To', ([, to]) => name(to)],
        ['Events', ([, , events]) => typeof events === 'number' ? n(events) : '', 'num']], edges)));
  }

  function keyPage(key) {
    const wave = waveOf.get(key.wave); const at = rows.indexOf(key);
    const step = (to, text) => rows[to] && at >= 0 && el('a', { href: keyHref(rows[to].reference) }, text);
    const s = key.sessions; const u = key.usage;
    return [el('nav', { class: 'crumbs', 'aria-label': 'Key' }, el('a', { href: filterHref(filters) }, '← All keys'), step(at - 1, 'Previous key'), step(at + 1, 'Next key')),
      el('div', { class: 'card-head' }, el('h1', { id: 'page-title', tabindex: '-1', class: 'mono' }, key.reference), badge(key)),
      facts([['Account', [key.account || none(), key.account_by && el('span', { class: 'muted' }, ` (told by ${key.account_by})`)]],
        ['User', key.user || none()], ['Status', key.status || none()], key.access_key_id !== key.reference && ['Key id', key.access_key_id ? mono(key.access_key_id) : none('not named by any input')],
        ['Created', key.created ? [when(key.created), typeof key.age_days === 'number' && ` (${count(key.age_days, 'day')})`] : none()], ['Last used, by IAM', lastUsed(key)], ['Idle', days(key.idle_days)], ['Due', dueText(key)],
        ['Wave', wave ? el('a', { href: filterHref({ wave: wave.id }) }, `${wave.number}. ${wave.title}`) : key.wave]]),
      el('h2', null, 'Verdict: ', key.verdict_title), el('ol', { class: 'reasons' }, key.reasons.map((r) => el('li', null, r.text, ' ', el('code', { class: 'code' }, r.code)))),
      el('h2', null, `Evidence gaps (${n(key.gaps.length)})`),
      key.gaps.length ? table('Evidence gaps', [['Gap', (g) => mono(g.id)], col('What is missing', 'text'), col('What would close it', 'close_by'),
        ['Forbids “unused”', (g) => g.blocks_unused ? el('span', { class: 'gap' }, icon('warn'), 'yes') : 'no']], key.gaps) : empty('None: the inputs cover this key’s use.'),
      el('h2', null, 'Usage'),
      u.events ? [facts([['Events', [n(u.events), ` (${n(u.derived_events)} by derived sessions, ${n(u.denied_events)} denied)`]], ['Seen', span(u.first, u.last)], ['Rhythm', rhythm(u)],
        u.session_context_events > 0 && ['Records with a session context', `${n(u.session_context_events)}: a static key’s own calls have none`]]), ]
        : empty('No CloudTrail record shows this key in use.', key.gaps.some((g) => g.blocks_unused) ? ' The gaps above say why that does not mean unused.' : ''),
      key.consumers.length > 0 && graph(key), el('h2', null, `Consumers (${n(key.consumers.length)})`),
      key.consumers.length ? key.consumers.map(consumer) : empty('No consumer was found.'),
      key.asides.length > 0 && [el('h2', null, 'Other usage'), key.asides.map((a) => el('section', { class: 'card' },
        el('div', { class: 'card-head' }, el('h3', null, a.who), tag(a.kind === 'key-validation' ? 'key validation: somebody tried it' : a.kind === 'via-service' ? 'service on its behalf' : a.kind)),
        facts([['Events', n(a.events)], ['Seen', span(a.first, a.last)]]), a.calls.length > 0 && capped(a.calls, 50, 'calls', calls)))],
      el('h2', null, 'Sessions handed out'),
      s.handed_out ? [el('p', null, `${count(s.handed_out, 'session')} handed out. `, s.never_seen ? `${n(s.never_seen)} of them signed no event that was read: what they did is not known.` : 'All were seen at work.'),
        s.paths.length > 0 && capped(s.paths, 50, 'paths', (items) => table('Session paths', [col('Path', 'title'), num('Events', 'count')], items))] : empty('No session was seen to derive from this key.'),
    ];
  }

  // ---- Where we are: the address names a section, a filtered table or a key ---------------------------------------
  let left; // where the reader was in the report when a key page opened
  const decode = (text) => { try { return decodeURIComponent(text); } catch { return text; } };
  function showKey(reference) {
    const key = keyOf.get(reference);
    const [report, page] = [byId('report'), byId('page')];
    if (!report.hidden) left = { y: scrollY, top: controls.scroller.scrollTop };
    [report.hidden, page.hidden] = [true, false];
    page.replaceChildren(...(key ? keyPage(key) : [el('nav', { class: 'crumbs', 'aria-label': 'Key' }, el('a', { href: '#keys' }, '← All keys')),
      el('h1', { id: 'page-title', tabindex: '-1' }, 'No such key'), empty(`This report has no key ${reference}.`)]).flat(Infinity).filter(Boolean));
    document.title = `${visible(reference)} – ${visible(data.title)}`;
    scrollTo({ top: 0, behavior: 'instant' });
    byId('page-title').focus({ preventScroll: true }); left = { ...left, key };
  }

  function showReport(id) {
    const [report, page] = [byId('report'), byId('page')]; const back = report.hidden && left;
    [report.hidden, page.hidden] = [false, true]; page.replaceChildren();
    document.title = visible(data.title);
    if (back && rows.includes(back.key) && (id === 'keys' || !id)) { // back where the reader was, on the key just read
      scrollTo({ top: back.y || byId('keys').offsetTop, behavior: 'instant' });
      controls.scroller.scrollTop = back.top || 0; focusRow(rows.indexOf(back.key));
    } else if (byId(`${id || 'report'}-title`)) {
      if (id || back) byId(`${id || 'report'}-title`).focus({ preventScroll: true });
      if (id) byId(id).scrollIntoView();
    }
    draw();
  }

  function route() {
    const hash = location.hash.slice(1);
    if (hash.startsWith('key=')) return showKey(decode(hash.slice(4)));
    const [id, ...pairs] = hash.split('&');
    if (id === 'keys') {
      const wanted = Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s)).map(([name, value]) => [name, decode(value || '')]));
      const same = ['q', ...Object.keys(FACETS)].every((name) => (filters[name] || '') === (wanted[name] || ''));
      if (pairs.length && !same) setFilters(wanted);
    }
    return showReport(id);
  }

  // ---- Start ----------------------------------------------------------------------------------------------------
  const PARTS = [['summary', 'Summary', summary], ['waves', 'Waves', waves], ['ages', 'Ages', heatMap], ['keys', 'Keys', keyTable],
    ['users', 'Users', users], ['coverage', 'Coverage', coverage], ['method', 'Method', method]];

  async function start() {
    data = await unpack(); index();
    byId('bar').append(el('span', { class: 'brand' }, 'offkey'), el('nav', { 'aria-label': 'Sections' }, PARTS.map(([id, title]) => el('a', { href: `#${id}` }, title))));
    byId('report').append(intro(), ...PARTS.map(([, , build]) => build()));
    byId('foot').append('Made by offkey ', data.offkey_version, ' · nothing in this file calls the network');
    byId('static').remove();
    byId('skip').addEventListener('click', jump('main')); byId('report').hidden = false;
    setFilters({}); addEventListener('hashchange', route);
    // A link to where the address already is changes no hash, but the reader may have scrolled away.
    addEventListener('click', (event) => {
      const link = event.target.closest('a[href^="#"]');
      if (link && link.hash === location.hash) route();
    });
    route();
    document.documentElement.classList.add('ready');
  }

  // The static summary stays when anything fails, with the reason above it.
  start().catch((error) => {
    byId('report').replaceChildren();
    byId('main').prepend(callout(`The full report could not be unpacked (${error.message}). The file may be damaged, or the browser older than Chrome 85, Firefox 113 or Safari 16.4.`));
    console.error(error);
  });
})();
