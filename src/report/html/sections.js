// The sections around the key table: summary, waves, heat map, users, coverage, method.

// ---- Sections of the report -----------------------------------------------------------------------------------
const section = (id, title, ...children) =>
  el(
    'section',
    { id, 'aria-labelledby': `${id}-title` },
    el('h2', { id: `${id}-title`, tabindex: '-1' }, title),
    ...children,
  );
function intro() {
  const s = data.summary;
  return el(
    'div',
    { class: 'intro' },
    el('h1', { id: 'report-title', tabindex: '-1' }, data.title),
    el(
      'p',
      { class: 'muted' },
      'As of ',
      when(data.as_of),
      ` · ${count(s.accounts, 'account')} · ${count(s.users, 'user')} · `,
      `${count(s.keys, 'access key')} · ${count(s.events, 'CloudTrail record')} · offkey ${data.offkey_version}`,
    ),
    data.parts.length > 0 &&
      el(
        'p',
        { class: 'muted' },
        'This page has all keys; what is known of each is on the pages of the accounts: ',
        list(
          data.parts.map(({ account, file }) =>
            el('a', { href: encodeURIComponent(file) }, account || 'unknown account'),
          ),
          'inline',
        ),
      ),
    data.audience === 'exec' &&
      el('p', { class: 'muted' }, 'Made for those who decide: evidence and policies are in the report for engineers.'),
    data.redacted &&
      el(
        'p',
        { class: 'muted' },
        'Redacted: key ids, accounts, addresses and names stand for others, the same one each time.',
      ),
  );
}

const VERDICTS = [
  ['retire', 'retire now', 'nothing uses them'],
  ['replace', 'replace with a role', 'every consumer has a replacement'],
  ['rotate', 'rotate for now', 'something cannot do without a key yet'],
  ['investigate', 'investigate first', 'evidence is missing, or something is wrong'],
];

// Findings about many keys lead to the table with the filter that shows them.
const FINDING_FILTERS = {
  retire: { verdict: 'retire' },
  rotate: { verdict: 'rotate' },
  investigate: { verdict: 'investigate' },
  'quick-wins': { wave: 'quick-wins' },
};

function summary() {
  const s = data.summary;
  const tiles = VERDICTS.map(([id, title, why]) => {
    const total = s.verdicts.find((verdict) => verdict.id === id)?.count || 0;
    const off = s.inactive.find((verdict) => verdict.id === id)?.count || 0;
    const share = s.keys ? ` (${Math.round((100 * total) / s.keys)} %)` : '';
    const inside = [
      el('span', { class: 'tile-name' }, icon(id), title),
      el('span', { class: 'tile-count' }, n(total)),
      el('span', { class: 'muted' }, `${why}${share}${off ? `; ${n(off)} already inactive` : ''}`),
    ];
    return el(
      'li',
      null,
      total
        ? el('a', { class: `tile ${id}`, href: filterHref({ verdict: id }) }, inside)
        : el('div', { class: `tile ${id}` }, inside),
    );
  });
  const t = data.thresholds;
  const figures = [
    [
      n(s.keys_due),
      `of ${count(s.keys, 'key')} due: older than ${n(t.max_age_days)} or idle for more than ${count(t.max_idle_days, 'day')}`,
    ],
    [
      n(s.consumers),
      `${s.consumers === 1 ? 'consumer' : 'consumers'}, ${n(s.consumers_identified)} identified by kind${s.consumers_presumed ? `, ${n(s.consumers_presumed)} presumed and seen in no record` : ''}`,
    ],
    [
      n(s.keys_with_gaps),
      s.keys_with_gaps === 1
        ? 'key has a gap that forbids calling it unused'
        : 'keys have gaps that forbid calling them unused',
    ],
    s.keys_muted > 0 && [n(s.keys_muted), `${s.keys_muted === 1 ? 'key is' : 'keys are'} exempt for now`],
  ];
  return section(
    'summary',
    'Executive summary',
    !s.keys &&
      empty(
        'No access keys were found in these inputs. Give a credential report or the account’s authorization details to list keys, and CloudTrail logs to see their use.',
      ),
    s.keys > 0 &&
      !s.events &&
      callout(
        'No CloudTrail events were read. Last uses come from IAM’s own record alone: who uses a key, from where, and what for, is not known.',
      ),
    el('ul', { class: 'tiles' }, tiles),
    el(
      'ul',
      { class: 'figures' },
      figures.filter(Boolean).map(([figure, text]) => el('li', null, el('strong', null, figure), ' ', text)),
    ),
    el(
      'div',
      { class: 'split' },
      el(
        'div',
        null,
        el('h3', null, 'Main findings'),
        s.findings.length
          ? el(
              'ol',
              { class: 'findings' },
              s.findings.map((finding) =>
                el(
                  'li',
                  null,
                  finding.text,
                  finding.keys.length > 0 && finding.keys.length <= 5 && list(finding.keys.map(keyLink), 'inline'),
                  finding.keys.length > 5 &&
                    FINDING_FILTERS[finding.id] && [
                      ' ',
                      el('a', { href: filterHref(FINDING_FILTERS[finding.id]) }, 'Show them'),
                    ],
                ),
              ),
            )
          : empty('No findings stand out.'),
      ),
      el('div', null, el('h3', null, 'Consumers by kind'), kindChart(s.kinds.filter((kind) => kind.count > 0))),
    ),
  );
}

const KINDS = 11;
// Bars are given in percent, so the picture fits any width without being drawn again.
function kindChart(kinds) {
  if (!kinds.length) return empty('No consumer was found: no record shows any key in use.');
  kinds = [...kinds].sort((a, b) => b.count - a.count);
  const most = kinds[0].count;
  // One page has room for a dozen; the table has them all.
  const shown = kinds.length > KINDS ? kinds.slice(0, KINDS - 1) : kinds;
  const rest = kinds.slice(shown.length);
  const bars = shown.map((kind, at) =>
    svg(
      'g',
      null,
      svg('text', { x: '0', y: at * 34 + 13 }, fit(kind.title, 250)),
      svg('text', { x: '100%', y: at * 34 + 13, 'text-anchor': 'end', class: 'strong' }, n(kind.count)),
      svg('rect', { x: '0', y: at * 34 + 19, width: '100%', height: 7, rx: 3, class: 'track' }),
      svg('rect', {
        x: '0',
        y: at * 34 + 19,
        width: `${Math.max(1, (100 * kind.count) / most)}%`,
        height: 7,
        rx: 3,
        class: kind.id === 'unknown' ? 'bar-unknown' : 'bar',
      }),
    ),
  );
  const share = (kind) => `${Math.round((100 * kind.count) / Math.max(1, data.summary.consumers))} %`;
  return el(
    'div',
    null,
    svg(
      'svg',
      {
        class: 'bars',
        width: '100%',
        height: shown.length * 34,
        role: 'img',
        'aria-label': 'Bar chart of consumers by kind; the table below holds the same numbers',
      },
      bars,
    ),
    rest.length > 0 &&
      el(
        'p',
        { class: 'muted' },
        `${count(rest.length, 'more kind')} with ${count(
          rest.reduce((sum, kind) => sum + kind.count, 0),
          'consumer',
        )}, in the table.`,
      ),
    details('The same as a table', () =>
      table(
        'Consumers by kind',
        [
          ['Kind', (kind) => el('a', { href: filterHref({ kind: kind.id }) }, kind.title)],
          num('Consumers', 'count'),
          ['Share', share, 'num'],
        ],
        kinds,
      ),
    ),
  );
}

function waves() {
  const card = (wave) => {
    const [name, why] = wave.title.split(/: (.*)/s);
    return el(
      'li',
      { class: wave.keys.length ? 'wave' : 'wave none' },
      el('span', { class: 'wave-number', 'aria-hidden': 'true' }, wave.number),
      el(
        'div',
        null,
        el('h3', null, el('span', { class: 'sr' }, `Wave ${wave.number}: `), name),
        why && el('p', { class: 'muted' }, why),
      ),
      wave.keys.length
        ? el(
            'a',
            { class: 'wave-link', href: filterHref({ wave: wave.id }) },
            el('span', { class: 'screen' }, 'Show '),
            el('strong', null, count(wave.keys.length, 'key')),
            el('span', { class: 'sr' }, ` of wave ${wave.number}`),
          )
        : el('span', { class: 'muted' }, 'no keys'),
    );
  };
  return section(
    'waves',
    'Migration waves',
    el('p', { class: 'lead' }, 'The order of work. Every key is in exactly one wave.'),
    el('ol', { class: 'waves' }, data.waves.map(card)),
  );
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
    return el(
      'td',
      { class: `heat${level}${total ? ' total' : ''}` },
      value
        ? el('a', { href: filterHref({ age, idle }), 'aria-label': `${count(value, 'key')}: ${where}` }, n(value))
        : el('span', { class: 'muted' }, '0'),
    );
  };
  return section(
    'ages',
    'Age and idleness',
    el(
      'p',
      { class: 'lead' },
      'Keys by age (rows) and days since their last known use (columns). A key never used is idle since its creation.',
    ),
    data.keys.length
      ? wide(
          'Keys by age and idleness',
          el(
            'table',
            { class: 'heat' },
            el('caption', { class: 'sr' }, 'Number of keys by age and idleness'),
            el(
              'thead',
              null,
              el(
                'tr',
                null,
                el('th', { scope: 'col' }, 'Age ↓  Idle →'),
                names(IDLES).map((idle) => el('th', { scope: 'col' }, idle)),
                el('th', { scope: 'col' }, 'all'),
              ),
            ),
            el(
              'tbody',
              null,
              names(AGES).map((age) =>
                el(
                  'tr',
                  null,
                  el('th', { scope: 'row' }, age),
                  names(IDLES).map((idle) => cell(age, idle)),
                  cell(age, '', true),
                ),
              ),
              el(
                'tr',
                null,
                el('th', { scope: 'row' }, 'all'),
                names(IDLES).map((idle) => cell('', idle, true)),
                el('td', { class: 'total' }, n(data.keys.length)),
              ),
            ),
          ),
        )
      : empty('There are no keys to show.'),
  );
}

// ---- Users, coverage, method ----------------------------------------------------------------------------------
function users() {
  const shared = data.shared_consumers;
  const sessions = data.user_sessions;
  const unknown = data.users_with_unknown_keys;
  return section(
    'users',
    'Users and shared consumers',
    el('h3', null, `Shared consumers (${n(shared.length)})`),
    shared.length
      ? [
          el(
            'p',
            { class: 'lead' },
            'One program at one address that uses several keys: possibly one workload. Ask before these keys are migrated apart.',
          ),
          capped(shared, 100, 'shared consumers', (items) =>
            table(
              'Shared consumers',
              [
                col('Program and place', 'origin'),
                ['Keys', (item) => item.keys.length, 'num'],
                ['References', (item) => capped(item.keys, 12, 'keys', (keys) => list(keys.map(keyLink), 'inline'))],
              ],
              items,
            ),
          ),
        ]
      : empty('No program was seen to use several keys from one address.'),
    el('h3', null, `Users with unknown keys (${n(unknown.length)})`),
    unknown.length
      ? [
          el(
            'p',
            { class: 'lead' },
            'No input says whether these users have keys. A credential report of their account would.',
          ),
          capped(unknown, 100, 'users', (items) =>
            table('Users with unknown keys', [col('User', 'user'), col('Account', 'account')], items),
          ),
        ]
      : empty('For every user seen, an input says which keys there are.'),
    el('h3', null, `User sessions without a key (${n(sessions.length)})`),
    sessions.length
      ? [
          el(
            'p',
            { class: 'lead' },
            'Sessions of IAM users that derive from no key seen: the console and the like. Retiring keys does not stop them.',
          ),
          capped(sessions, 100, 'users', (items) =>
            table(
              'User sessions',
              [
                col('User', 'user'),
                col('Account', 'account'),
                ['From', (item) => (item.console ? 'console' : 'unknown origin')],
                num('Events', 'events'),
                ['Seen', (item) => span(item.first, item.last)],
              ],
              items,
            ),
          ),
        ]
      : empty('No such sessions were seen.'),
  );
}

const missingDays = (account) => account.missing.reduce((sum, s) => sum + s.days, 0);
const daySpan = (s) => (s.days === 1 ? s.first_day : `${s.first_day} to ${s.last_day}`);

function coverage() {
  const c = data.coverage;
  const sum = (account, field) => account.regions.reduce((total, region) => total + region[field], 0);
  const yes = (value) => (value ? 'read' : el('span', { class: 'gap' }, icon('warn'), 'not read'));
  const account = (a) =>
    el(
      'div',
      { class: 'under' },
      a.regions.length
        ? table(
            `Regions of ${a.account}`,
            [
              col('Region', 'region'),
              col('First day', 'first_day'),
              col('Last day', 'last_day'),
              num('Days', 'days'),
              num('Records', 'records'),
              num('Data events', 'data_events'),
              num('Other events', 'other_events'),
              num('Log objects', 'objects'),
              [
                'Damaged',
                (r) => (r.damaged_objects ? el('span', { class: 'gap' }, icon('warn'), n(r.damaged_objects)) : '0'),
                'num',
              ],
            ],
            a.regions,
          )
        : empty('No CloudTrail events of this account were read.'),
      facts([
        [
          'Days without events',
          missingDays(a)
            ? capped(a.missing.map(daySpan), 60, 'spans', (items) => list(items, 'inline'))
            : 'none in the window',
        ],
        [
          'Data events of',
          a.data_events_of.join(', ') || 'no service: object-level and function-level use is invisible',
        ],
        ['Trails', a.trails.length ? list(a.trails) : none('not described by any input')],
      ]),
    );
  return section(
    'coverage',
    'Coverage: what we could not see',
    c.unknowns.length
      ? callout(el('h3', null, 'Not known'), list(c.unknowns))
      : empty('No general unknowns are recorded.'),
    el('h3', null, `Accounts (${n(c.accounts.length)})`),
    c.accounts.length
      ? [
          table(
            'Coverage by account',
            [
              col('Account', 'account'),
              [
                'Events from – to',
                (a) =>
                  a.first_day ? span(a.first_day, a.last_day) : el('span', { class: 'gap' }, icon('warn'), 'no events'),
              ],
              [
                'Missing days',
                (a) => (missingDays(a) ? el('span', { class: 'gap' }, icon('warn'), n(missingDays(a))) : '0'),
                'num',
              ],
              ['Regions', (a) => n(a.regions.length), 'num'],
              ['Records', (a) => n(sum(a, 'records')), 'num'],
              ['Data events', (a) => n(sum(a, 'data_events')), 'num'],
              ['Credential report', (a) => (a.credential_report ? when(a.credential_report) : yes(false))],
              ['Authorization details', (a) => yes(a.authorization_details)],
              ['Key list', (a) => yes(a.access_key_list)],
            ],
            c.accounts,
          ),
          el('h4', null, 'Regions, days and trails'),
          c.accounts.map((a) =>
            details(
              `${a.account}: ${count(a.regions.length, 'region')}, ${count(missingDays(a), 'missing day')}`,
              () => account(a),
              c.accounts.length === 1,
            ),
          ),
        ]
      : empty('No account appears in the inputs.'),
    el('h3', null, 'Network range files'),
    c.ranges.length
      ? table(
          'Network range files',
          [col('Provider', 'title'), col('Version', 'date'), num('Prefixes', 'prefixes')],
          c.ranges,
        )
      : empty('None were loaded: addresses could not be told apart by provider.'),
    el('h3', null, `Passed over while reading (${n(data.skipped.length)})`),
    data.skipped_by_reason.length
      ? table('Skipped by reason', [col('Reason', 'title'), num('Count', 'count')], data.skipped_by_reason)
      : empty('Everything in the inputs was read.'),
    data.skipped.length > 0 &&
      details(`List of what was passed over (${n(data.skipped.length)})`, () =>
        capped(data.skipped, 200, 'entries', (items) =>
          table(
            'Skipped',
            [
              ['Source', (s) => mono(s.source)],
              ['Byte', (s) => (typeof s.offset === 'number' ? n(s.offset) : ''), 'num'],
              col('Reason', 'reason'),
              col('Detail', 'detail'),
            ],
            items,
          ),
        ),
      ),
  );
}

function mutes() {
  return section(
    'mutes',
    'Exemptions',
    data.mutes.length
      ? table(
          'Exemptions',
          [
            ['About', (m) => m.names.join(', ')],
            ['State', (m) => (m.state === 'active' ? 'active' : el('span', { class: 'gap' }, icon('warn'), m.state))],
            num('Keys', 'keys'),
            col('Owner', 'owner'),
            ['Until', (m) => m.expires || none()],
            ['Reason', (m) => m.wrong || m.reason],
          ],
          data.mutes,
        )
      : empty('None: no key was exempted.'),
  );
}

function method() {
  const m = data.method;
  return section(
    'method',
    'Method',
    facts([
      ['Events read', n(m.events_read)],
      ['Duplicates set aside', n(m.duplicates)],
      ['Usage rows', n(m.usage_rows)],
      [
        'Due',
        `older than ${n(data.thresholds.max_age_days)} days, or idle for more than ${n(data.thresholds.max_idle_days)}`,
      ],
      ['Made by', `offkey ${data.offkey_version}, format ${data.schema}`],
    ]),
    el('h3', null, 'Notes'),
    m.notes.length ? list(m.notes) : empty('None.'),
    el('h3', null, `Inputs (${n(m.inputs.length)})`),
    m.inputs.length
      ? table(
          'Inputs',
          [
            ['Input', (i) => mono(i.name)],
            num('Files', 'files'),
            ['Size', (i) => bytes(i.bytes), 'num'],
            ['SHA-256 over the files', (i) => el('code', { class: 'hash' }, i.sha256)],
          ],
          m.inputs,
        )
      : empty('No inputs were given.'),
  );
}
