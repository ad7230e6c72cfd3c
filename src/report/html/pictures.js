// Pictures drawn from the data, each with the same as a table or in words.

const pen = document.createElement('canvas').getContext('2d');
function fit(text, width) {
  pen.font = '12px system-ui, sans-serif';
  let shown = visible(text);
  if (pen.measureText(shown).width <= width) return shown;
  if (shown.length > 80) shown = shown.slice(0, 80);
  while (shown.length > 1 && pen.measureText(`${shown}…`).width > width) shown = shown.slice(0, -1);
  return `${shown}…`;
}

/** Boxes in columns and the lines between them, with a table of the same. A node: {id, label, note}. */
function boxes({ heads, columns, edges, me, label }) {
  const [W, H, GAP] = [960, 44, 10];
  const BOX = heads.length > 4 ? 168 : 196;
  const height = Math.max(...columns.map((nodes) => nodes.length)) * (H + GAP) + 24;
  const step = (W - BOX) / (heads.length - 1);
  columns.forEach((nodes, column) =>
    nodes.forEach((node, at) => {
      node.x = column * step;
      node.y = 24 + (height - 24 - nodes.length * (H + GAP)) / 2 + at * (H + GAP) + GAP / 2;
    }),
  );
  const most = Math.max(1, ...edges.map(([, , events]) => events || 0));
  const line = ([from, to, events, kind]) => {
    const [x1, y1, x2, y2] = [from.x + BOX, from.y + H / 2, to.x, to.y + H / 2];
    const mid = (x1 + x2) / 2;
    return svg(
      'path',
      {
        d: `M${x1} ${y1}C${mid} ${y1} ${mid} ${y2} ${x2} ${y2}`,
        // By area rather than by length, so that the smallest is still seen.
        'stroke-width': (1 + 13 * Math.sqrt((events || 0) / most)).toFixed(1),
        class: `edge ${kind || ''}`,
      },
      svg('title', null, `${from.label} – ${to.label}${events ? `: ${count(events, 'event')}` : ''}`),
    );
  };
  const box = (kind) => (node) =>
    svg(
      'g',
      { class: `node ${kind}` },
      svg('title', null, [node.label, node.note].filter(Boolean).join(' – ')),
      svg('rect', { x: node.x, y: node.y, width: BOX, height: H, rx: 6 }),
      svg('text', { x: node.x + 10, y: node.y + (node.note ? 19 : 26) }, fit(node.label, BOX - 20)),
      node.note && svg('text', { x: node.x + 10, y: node.y + 35, class: 'note' }, fit(node.note, BOX - 20)),
    );
  const picture = svg(
    'svg',
    { class: 'graph', viewBox: `-1 0 ${W + 2} ${height}`, role: 'img', 'aria-label': label },
    heads.map((head, at) => svg('text', { x: at * step, y: 14, class: 'note' }, head)),
    edges.map(line),
    columns.map((nodes, at) => nodes.map((node) => box(at === me ? `me ${node.kind || ''}` : '')(node))),
  );
  const name = (node) => (node.note && node.id !== 'key' ? `${node.label}: ${node.note}` : node.label);
  return el(
    'div',
    null,
    wide('Graph', picture),
    details('The same as a table', () =>
      table(
        'Edges of the graph',
        [
          ['From', ([from]) => name(from)],
          ['To', ([, to]) => name(to)],
          ['Events', ([, , events]) => (typeof events === 'number' ? n(events) : ''), 'num'],
        ],
        edges,
      ),
    ),
  );
}

// The whole in one picture: from where, by which keys, to which services, and what is proposed instead.
const FLOWS = 9;
function flow() {
  const sums = [new Map(), new Map(), new Map(), new Map()];
  const between = new Map();
  const add = (column, from, to, events) => {
    const edge = JSON.stringify([column, from, to]);
    between.set(edge, (between.get(edge) || 0) + events);
    sums[column].set(from, (sums[column].get(from) || 0) + events);
    // What nothing leads on from is still where this one ends.
    const more = column === 2 ? events : 0;
    sums[column + 1].set(to, (sums[column + 1].get(to) || 0) + more);
  };
  for (const key of data.keys) {
    for (const c of key.consumers) {
      const place = c.places.length ? c.places[0].replace(/^\d.*/, 'fixed addresses') : 'not known';
      add(0, place, key.verdict, c.events);
      for (const call of c.calls) {
        add(1, key.verdict, call.service, call.events);
        add(2, call.service, c.replacement.title, call.events);
      }
    }
  }
  if (!between.size) {
    return section('flow', 'Flow', empty('No record shows any key in use: there is nothing to draw.'));
  }
  const title = (id) => (VERDICTS.find(([verdict]) => verdict === id) || [0, id])[1];
  const columns = sums.map((sum, column) => {
    const sorted = [...sum].sort((a, b) => b[1] - a[1]);
    const shown = sorted.length > FLOWS ? sorted.slice(0, FLOWS - 1) : sorted;
    const note = (id) =>
      column === 1 && count(data.keys.filter((key) => key.verdict === id && key.consumers.length).length, 'key');
    const kind = (id) => column === 1 && id;
    const nodes = shown.map(([id]) => ({ id, label: column === 1 ? title(id) : id, note: note(id), kind: kind(id) }));
    const rest = sorted.length - shown.length;
    return rest ? [...nodes, { id: '\u0000rest', label: `${n(rest)} more`, rest: true }] : nodes;
  });
  const find = (column, id) =>
    columns[column].find((node) => node.id === id) || columns[column].find((node) => node.rest);
  const edges = new Map();
  for (const [edge, events] of between) {
    const [column, from, to] = JSON.parse(edge);
    const ends = [find(column, from), find(column + 1, to)];
    const at = `${column} ${columns[column].indexOf(ends[0])} ${columns[column + 1].indexOf(ends[1])}`;
    edges.set(at, [...ends, (edges.get(at)?.[2] || 0) + events, ends[0].kind || ends[1].kind]);
  }
  return section(
    'flow',
    'Flow',
    el(
      'p',
      { class: 'lead' },
      'Where calls come from, the verdicts of the keys that sign them, the services they reach, and what is proposed instead. Thicker lines have more events.',
    ),
    boxes({
      heads: ['From', 'Keys', 'Services', 'Proposed instead'],
      columns,
      edges: [...edges.values()].sort((a, b) => b[2] - a[2]),
      me: 1,
      label: 'Flow from networks over keys and services to replacements; the table below holds the same edges',
    }),
  );
}

// How many keys are left, report by report: steps over time, since a count holds until the next report.
const BURN = { width: 960, height: 240, left: 46, right: 96, top: 14, bottom: 30 };
function burnDown() {
  const points = data.history;
  if (points.length < 2) {
    return section(
      'burn-down',
      'Burn-down',
      data.part_of
        ? empty('The burn-down is on ', el('a', { href: encodeURIComponent(data.part_of) }, 'the page of all accounts'), '.')
        : empty('One report shows no progress. Give the directory of earlier JSON reports by --history.'),
    );
  }
  const { width, height, left, right, top, bottom } = BURN;
  const times = points.map((point) => Date.parse(point.as_of));
  const [from, to] = [times[0], times[times.length - 1]];
  const most = Math.max(1, ...points.map((point) => point.active));
  const x = (time) => left + ((width - left - right) * (time - from)) / Math.max(1, to - from);
  const y = (value) => top + (height - top - bottom) * (1 - value / most);
  const steps = (field) =>
    points
      .map((point, at) => `${at ? `H${x(times[at]).toFixed(1)}V` : `M${x(from)} `}${y(point[field]).toFixed(1)}`)
      .join('');
  const area = (field) => `${steps(field)}V${y(0)}H${x(from)}Z`;
  const [first, last] = [points[0], points[points.length - 1]];
  // The two names at the right end must not meet.
  const apart = Math.max(16, y(last.due) - y(last.active));
  const names = [
    [`${n(last.active)} active`, Math.min(y(last.active), y(0) - apart)],
    [`${n(last.due)} due`, Math.min(y(last.active), y(0) - apart) + apart],
  ];
  const day = (point) => point.as_of.slice(0, 10);
  const words = `Active keys went from ${n(first.active)} to ${n(last.active)} between ${day(first)} and ${day(last)}; keys due from ${n(first.due)} to ${n(last.due)}.`;
  return section(
    'burn-down',
    'Burn-down',
    el('p', { class: 'lead' }, words, ' The upper line is active keys, the filled one those that are due.'),
    wide(
      'Burn-down',
      svg(
        'svg',
        { class: 'burn', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': words },
        [0, most / 2, most].map((value) => [
          svg('path', { d: `M${left} ${y(value)}H${width - right}`, class: 'rule' }),
          svg('text', { x: left - 8, y: y(value) + 4, 'text-anchor': 'end', class: 'note' }, n(Math.round(value))),
        ]),
        svg('path', { d: area('active'), class: 'active-area' }),
        svg('path', { d: area('due'), class: 'due-area' }),
        svg('path', { d: steps('active'), class: 'active-line' }),
        svg('path', { d: steps('due'), class: 'due-line' }),
        points.map((point, at) =>
          svg(
            'circle',
            { cx: x(times[at]), cy: y(point.due), r: 3.5, class: 'due-dot' },
            svg('title', null, `${day(point)}: ${n(point.active)} active, ${n(point.due)} due`),
          ),
        ),
        names.map(([text, at]) => svg('text', { x: width - right + 8, y: at + 4, class: 'strong' }, text)),
        svg('text', { x: left, y: height - 8, class: 'note' }, day(first)),
        svg('text', { x: width - right, y: height - 8, 'text-anchor': 'end', class: 'note' }, day(last)),
      ),
    ),
    details('The same as a table', () =>
      table(
        'Burn-down',
        [
          ['As of', (point) => when(point.as_of)],
          num('Active keys', 'active'),
          num('Due', 'due'),
          ...VERDICTS.map(([id, title]) => [title, (point) => n(point.verdicts[id] || 0), 'num']),
        ],
        points,
      ),
    ),
  );
}

// The days of use as a calendar: a column a week, Monday at the top. A day without logs is no day without use.
const DAY = 864e5;
const dayOf = (text) => Math.round(Date.parse(`${text}T00:00:00Z`) / DAY);
const dateOf = (day) => new Date(day * DAY).toISOString().slice(0, 10);
function calendar(key) {
  const { days: used } = key.usage;
  if (!used) return false;
  const account = data.coverage.accounts.find((one) => one.account === key.account);
  const logs = account && account.first_day ? [dayOf(account.first_day), dayOf(account.last_day)] : null;
  const begin = dayOf(used.first);
  const active = new Set([...used.used].flatMap((mark, at) => (mark === '#' ? [begin + at] : [])));
  const last = Math.max(begin + used.used.length - 1, logs ? logs[1] : 0);
  const first = Math.max(Math.min(begin, logs ? logs[0] : begin), last - 53 * 7 + 1);
  const monday = first - ((first + 3) % 7);
  const missing = (account ? account.missing : []).map((gap) => [dayOf(gap.first_day), dayOf(gap.last_day)]);
  const dark = (day) =>
    !logs || day < logs[0] || day > logs[1] || missing.some(([from, to]) => day >= from && day <= to);
  const [size, top] = [15, 18];
  const cells = [];
  const months = [];
  let labelled = -9;
  for (let day = first; day <= last; day += 1) {
    const [week, weekday] = [Math.floor((day - monday) / 7), (day + 3) % 7];
    const kind = active.has(day) ? 'on' : dark(day) ? 'dark' : 'off';
    const word = { on: 'used', off: 'not used', dark: 'no logs' }[kind];
    const place = {
      x: 30 + week * size,
      y: top + weekday * size,
      width: size - 3,
      height: size - 3,
      rx: 2,
      class: kind,
    };
    cells.push(svg('rect', place, svg('title', null, `${dateOf(day)}: ${word}`)));
    if ((day === first || dateOf(day).endsWith('-01')) && week - labelled > 3) {
      months.push(svg('text', { x: 30 + week * size, y: 12 }, dateOf(day).slice(0, 7)));
      labelled = week;
    }
  }
  const weeks = Math.floor((last - monday) / 7) + 1;
  const unseen = Array.from({ length: last - first + 1 }, (_, at) => first + at).filter(
    (day) => !active.has(day) && dark(day),
  );
  const words = `Used on ${count(active.size, 'day')} of ${n(last - first + 1)} from ${dateOf(first)} to ${dateOf(last)}${unseen.length ? `; on ${count(unseen.length, 'other day')} there are no logs` : ''}.`;
  const names = [
    ['Mon', 0],
    ['Wed', 2],
    ['Fri', 4],
  ];
  return el(
    'div',
    null,
    el('p', null, words),
    wide(
      'Calendar',
      svg(
        'svg',
        {
          class: 'calendar',
          width: 30 + Math.max(weeks, 8) * size,
          height: top + 7 * size,
          role: 'img',
          'aria-label': words,
        },
        names.map(([name, at]) => svg('text', { x: 0, y: top + at * size + 10 }, name)),
        months,
        cells,
      ),
    ),
    el(
      'p',
      { class: 'legend muted' },
      ['on', 'off', 'dark'].map((kind, at) => [
        svg(
          'svg',
          { class: 'calendar', width: 12, height: 12, 'aria-hidden': 'true' },
          svg('rect', { x: 0.5, y: 0.5, width: 11, height: 11, rx: 2, class: kind }),
        ),
        ` ${['used', 'not used', 'no logs'][at]} `,
      ]),
    ),
    details('The days as a list', () =>
      el(
        'p',
        null,
        [...active]
          .sort((a, b) => a - b)
          .map(dateOf)
          .join(', '),
      ),
    ),
  );
}
