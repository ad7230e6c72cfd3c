// The page of one key: facts, verdict, consumers, picture, replacement.

// ---- Key page -------------------------------------------------------------------------------------------------
const calls = (items) =>
  table(
    'Calls',
    [
      col('Service', 'service'),
      col('Call', 'name'),
      num('Events', 'events'),
      num('Denied', 'denied'),
      num('Failed', 'failed'),
    ],
    items,
  );
const counted = (items, total, what) =>
  !items.length
    ? none('none')
    : [
        capped(items, 15, what, (some) =>
          list(some.map((item) => [mono(item.name), el('span', { class: 'muted' }, ` ${n(item.events)}`)])),
        ),
        total > items.length &&
          el(
            'p',
            { class: 'muted' },
            `${n(items.length)} of ${n(total)} ${what} are in this report, the busiest first.`,
          ),
      ];
const rhythm = (it) =>
  it.rhythm
    ? `${it.rhythm}, ${count(it.active_days, 'active day')}, longest silence ${count(it.longest_gap_days, 'day')}`
    : none('no record');
function lastUsed(key) {
  const l = key.last_used;
  if (l.state !== 'at') return l.state === 'never' ? 'never' : none();
  return [when(l.time), [l.service && ` by ${l.service}`, l.region && ` in ${l.region}`].filter(Boolean).join('')];
}

async function copy(pre) {
  try {
    await navigator.clipboard.writeText(pre.textContent);
    say('Copied');
  } catch {
    // no permission: leave it selected for Ctrl+C
    getSelection().selectAllChildren(pre);
    say('Selected; press Ctrl+C to copy');
  }
}

/** A text to take along, with a button that copies it. */
function code(title, text) {
  const pre = el('pre', { tabindex: '0', role: 'group', 'aria-label': title }, text);
  const button = el(
    'button',
    { type: 'button', class: 'quiet', click: () => copy(pre) },
    'Copy',
    el('span', { class: 'sr' }, ` ${title}`),
  );
  return el('div', null, el('div', { class: 'pre-head' }, el('h5', null, title), button), pre);
}

const OUTCOMES = {
  'new-role': 'a new role',
  'existing-role': 'a role that exists',
  'sign-in': 'a sign-in',
  rotate: 'no role yet: rotate',
  identify: 'identify it first',
};
function replacement(r) {
  return el(
    'div',
    { class: 'replacement' },
    el('h4', null, 'Replacement: ', r.title),
    el('p', null, tag(OUTCOMES[r.outcome] || r.outcome), el('span', { class: 'muted' }, ` rule ${r.rule}`)),
    r.steps.length > 0 &&
      el(
        'ol',
        null,
        r.steps.map((step) => el('li', null, step)),
      ),
    r.unblock && el('p', null, el('strong', null, 'A role becomes possible with: '), r.unblock),
    r.caveats.length > 0 && [el('h5', null, 'Watch out'), list(r.caveats)],
    r.trust_policy && code('Trust policy', JSON.stringify(r.trust_policy, null, 2)),
    r.needs.length > 0 && [
      el('h5', null, 'To fill in'),
      table('Placeholders', [['Placeholder', (need) => mono(`<${need.name}>`)], col('Question', 'ask')], r.needs),
    ],
  );
}

const SCOPES = {
  exact: 'as the calls named them',
  widened: 'wider than the calls named them: names come and go',
  'none-taken': 'the action takes no resources',
  'not-named': 'some calls do not say what they acted on',
  'as-today': 'some calls do not say; as the user\u2019s own policies have it',
};
const permissions = (items) =>
  capped(items, 15, 'permissions', (some) =>
    table(
      'Permissions',
      [
        [
          'Action',
          (p) => [mono(p.action), ' ', p.danger !== 'none' && tag(p.granted ? 'careful' : 'privileged: left out')],
        ],
        ['On', (p) => list(p.resources.map((arn) => mono(arn)))],
        ['How', (p) => [SCOPES[p.scope] || p.scope, p.condition && `; only if ${p.condition}`]],
        num('Events', 'events'),
      ],
      some,
    ),
  );

/** From the key to the role: policies, Terraform, checklist, what to type. Long, so each is opened when it is wanted. */
function cutOver(way) {
  const policy = (one) =>
    code(
      `${one.name}${one.attached ? '' : ' (privileged: attached to nothing)'}`,
      JSON.stringify(one.document, null, 2),
    );
  return el(
    'div',
    { class: 'ways' },
    way.policies.length > 0 &&
      details(`Permission ${way.policies.length === 1 ? 'policy' : `policies (${n(way.policies.length)})`}`, () =>
        el('div', { class: 'under' }, way.parity && el('p', null, way.parity), way.policies.map(policy)),
      ),
    way.terraform && details('Terraform', () => el('div', { class: 'under' }, code(`${way.role}.tf`, way.terraform))),
    way.steps.length > 0 &&
      details('Cut-over checklist', () =>
        el(
          'div',
          { class: 'under' },
          way.steps.map((part) => [el('h5', null, part.title), list(part.steps, 'checklist')]),
        ),
      ),
    details('Commands: write the files, verify', () =>
      el('div', { class: 'under' }, code('Commands', way.commands.join('\n'))),
    ),
  );
}

const STRENGTH = { strong: 3, medium: 2, weak: 1 };
function consumer(c) {
  if (data.audience === 'exec') {
    return el(
      'section',
      { class: 'card' },
      el('div', { class: 'card-head' }, el('h3', null, c.kind_title), tag(`${c.confidence} confidence`)),
      el('p', { class: 'origin' }, c.origin),
      facts([
        ['Events', n(c.events)],
        ['Seen', span(c.first, c.last)],
        ['Replacement', [c.replacement.title, ' ', tag(OUTCOMES[c.replacement.outcome] || c.replacement.outcome)]],
      ]),
    );
  }
  const signals = [...c.signals].sort((a, b) => (STRENGTH[b.strength] || 0) - (STRENGTH[a.strength] || 0));
  return el(
    'section',
    { class: 'card' },
    el(
      'div',
      { class: 'card-head' },
      el('h3', null, c.kind_title),
      tag(`${c.confidence} confidence`),
      !c.seen && tag('presumed: no record shows it', 'gap'),
    ),
    el('p', { class: 'origin' }, c.origin),
    c.questions.length > 0 && callout(`Ask the owner before anything changes: ${c.questions.join(' ')}`),
    c.capped_by && el('p', { class: 'muted' }, `Not higher than ${c.confidence} confidence: ${c.capped_by}.`),
    el(
      'div',
      { class: 'split' },
      el(
        'div',
        null,
        el('h4', null, 'What speaks for it, and against'),
        signals.length
          ? el(
              'ul',
              { class: 'signals' },
              signals.map((s) =>
                el(
                  'li',
                  null,
                  tag(s.strength),
                  ' ',
                  s.text,
                  !s.supports && el('span', { class: 'muted' }, ` (against it: speaks for ${kindTitle(s.kind)})`),
                  s.events > 0 && el('span', { class: 'muted' }, ` – ${n(s.events)} events`),
                  s.sample_event_id && [el('span', { class: 'muted' }, ', such as '), mono(s.sample_event_id)],
                ),
              ),
            )
          : empty('No signal: nothing tells what it is.'),
        facts([
          ['Events', n(c.events)],
          ['Seen', span(c.first, c.last)],
          ['Rhythm', rhythm(c)],
          ['Programs (events)', counted(c.programs, 0, 'programs')],
          c.drivers.length && ['Driven by', c.drivers.join(', ')],
          ['Places', c.places.join(', ') || none()],
          ['Regions', c.regions.join(', ') || none('none')],
          ['Addresses (events)', counted(c.addresses, c.addresses_total, 'addresses')],
          c.credential_sources.length && [
            'Where the secret lies',
            [c.credential_sources.join(', '), el('span', { class: 'muted' }, ' (a hint, no proof)')],
          ],
          c.roles.length && ['Roles assumed', list(c.roles.map(mono))],
          c.session_paths.length && ['Worked under sessions', counted(c.session_paths, 0, 'paths')],
          c.sample_event_id && ['First event', mono(c.sample_event_id)],
          ['Consumer id', mono(c.id)],
        ]),
      ),
      replacement(c.replacement),
    ),
    c.calls.length > 0 &&
      details(`Calls (${n(c.calls.length)})`, () => capped(c.calls, 100, 'calls', calls), c.calls.length <= 12),
    c.permissions.length > 0 &&
      details(`Permissions that its calls needed (${n(c.permissions.length)})`, () => permissions(c.permissions)),
    c.unmapped_calls.length > 0 &&
      details(`Calls whose actions are not known (${n(c.unmapped_calls.length)})`, () =>
        list(c.unmapped_calls.map((call) => [mono(`${call.service}:${call.name}`), ` ${n(call.events)}`])),
      ),
    c.cut_over && cutOver(c.cut_over),
    c.user_agents.length > 0 &&
      details(`User agents (${n(c.user_agents_total)})`, () =>
        el('div', { class: 'under' }, counted(c.user_agents, c.user_agents_total, 'agents')),
      ),
  );
}

// The picture of a key: places, consumers, the key, services. At most 40 nodes; what is left out is one node more.
function graphOf(key) {
  const column = (names, most, what) => {
    const shown = names.length > most ? names.slice(0, most - 1) : names;
    const rest = names.length - shown.length;
    return rest ? [...shown, { id: '\u0000rest', label: `${n(rest)} more ${what}`, rest: true }] : shown;
  };
  const services = new Map();
  for (const call of key.consumers.flatMap((c) => c.calls))
    services.set(call.service, (services.get(call.service) || 0) + call.events);
  const callers = column(
    key.consumers.map((c) => ({ id: c.id, label: c.kind_title, note: c.origin, events: c.events, places: c.places })),
    13,
    'consumers',
  );
  const places = column(
    [...new Set(callers.flatMap((c) => c.places || []))].map((place) => ({ id: place, label: place })),
    13,
    'places',
  );
  const called = column(
    [...services].sort((a, b) => b[1] - a[1]).map(([name, events]) => ({ id: name, label: name, events })),
    13,
    'services',
  );
  const me = { id: 'key', label: key.reference, note: key.user };
  const at = (nodes, id) => nodes.find((node) => node.id === id) || nodes.find((node) => node.rest);
  const edges = [
    ...callers.flatMap((c) =>
      [...new Set((c.places || []).map((place) => at(places, place)))].map((place) => [place, c]),
    ),
    ...callers.map((c) => [c, me, c.events]),
    ...called.map((service) => [me, service, service.events]),
  ];
  return { columns: [places, callers, [me], called], edges };
}

function graph(key) {
  const { columns, edges } = graphOf(key);
  return boxes({
    heads: ['Places', 'Consumers', 'Key', 'Services called'],
    columns,
    edges,
    me: 2,
    label: 'Graph of places, consumers, the key and services; the table below holds the same edges',
  });
}

function keyPage(key) {
  const wave = waveOf.get(key.wave);
  const at = rows.indexOf(key);
  const step = (to, text) => rows[to] && at >= 0 && el('a', { href: keyHref(rows[to].reference) }, text);
  const u = key.usage;
  return [
    el(
      'nav',
      { class: 'crumbs', 'aria-label': 'Key' },
      el('a', { href: filterHref(filters) }, '← All keys'),
      step(at - 1, 'Previous key'),
      step(at + 1, 'Next key'),
    ),
    el(
      'div',
      { class: 'card-head' },
      el('h1', { id: 'page-title', tabindex: '-1', class: 'mono' }, key.reference),
      badge(key),
    ),
    facts([
      [
        'Account',
        [key.account || none(), key.account_by && el('span', { class: 'muted' }, ` (told by ${key.account_by})`)],
      ],
      ['User', key.user || none()],
      ['Status', key.status || none()],
      key.access_key_id !== key.reference && [
        'Key id',
        key.access_key_id ? mono(key.access_key_id) : none('not named by any input'),
      ],
      [
        'Created',
        key.created
          ? [when(key.created), typeof key.age_days === 'number' && ` (${count(key.age_days, 'day')})`]
          : none(),
      ],
      ['Last used, by IAM', lastUsed(key)],
      ['Idle', days(key.idle_days)],
      ['Due', dueText(key)],
      typeof key.muted_by === 'number' && [
        'Exempt',
        ((m) => `until ${m.expires}, by ${m.owner}: ${m.reason}`)(data.mutes[key.muted_by]),
      ],
      ['Wave', wave ? el('a', { href: filterHref({ wave: wave.id }) }, `${wave.number}. ${wave.title}`) : key.wave],
    ]),
    el('h2', null, 'Verdict: ', key.verdict_title),
    el(
      'ol',
      { class: 'reasons' },
      key.reasons.map((r) => el('li', null, r.text, ' ', el('code', { class: 'code' }, r.code))),
    ),
    el('h2', null, 'What to do next'),
    el(
      'ol',
      null,
      key.next_steps.map((text) => el('li', null, text)),
    ),
    el('h2', null, `Evidence gaps (${n(key.gaps.length)})`),
    key.gaps.length
      ? table(
          'Evidence gaps',
          [
            ['Gap', (g) => mono(g.id)],
            col('What is missing', 'text'),
            col('What would close it', 'close_by'),
            ['Forbids “unused”', (g) => (g.blocks_unused ? el('span', { class: 'gap' }, icon('warn'), 'yes') : 'no')],
          ],
          key.gaps,
        )
      : empty('None: the inputs cover this key’s use.'),
    el('h2', null, 'Usage'),
    u.events
      ? [
          facts([
            ['Events', [n(u.events), ` (${n(u.derived_events)} by derived sessions, ${n(u.denied_events)} denied)`]],
            ['Seen', span(u.first, u.last)],
            ['Rhythm', rhythm(u)],
            u.session_context_events > 0 && [
              'Records with a session context',
              `${n(u.session_context_events)}: a static key’s own calls have none`,
            ],
          ]),
        ]
      : empty(
          'No CloudTrail record shows this key in use.',
          key.gaps.some((g) => g.blocks_unused) ? ' The gaps above say why that does not mean unused.' : '',
        ),
    calendar(key),
    key.consumers.length > 0 && graph(key),
    el('h2', null, `Consumers (${n(key.consumers.length)})`),
    key.consumers.length ? key.consumers.map(consumer) : empty('No consumer was found.'),
    otherUsage(key),
    handedOut(key),
  ];
}

const otherUsage = (key) =>
  key.asides.length > 0 && [
    el('h2', null, 'Other usage'),
    key.asides.map((a) =>
      el(
        'section',
        { class: 'card' },
        el(
          'div',
          { class: 'card-head' },
          el('h3', null, a.who),
          tag(
            a.kind === 'key-validation'
              ? 'key validation: somebody tried it'
              : a.kind === 'via-service'
                ? 'service on its behalf'
                : a.kind,
          ),
        ),
        facts([
          ['Events', n(a.events)],
          ['Seen', span(a.first, a.last)],
        ]),
        a.calls.length > 0 && capped(a.calls, 50, 'calls', calls),
      ),
    ),
  ];

function handedOut(key) {
  const s = key.sessions;
  return [
    el('h2', null, 'Sessions handed out'),
    s.handed_out
      ? [
          el(
            'p',
            null,
            `${count(s.handed_out, 'session')} handed out. `,
            s.never_seen
              ? `${n(s.never_seen)} of them signed no event that was read: what they did is not known.`
              : 'All were seen at work.',
          ),
          s.paths.length > 0 &&
            capped(s.paths, 50, 'paths', (items) =>
              table('Session paths', [col('Path', 'title'), num('Events', 'count')], items),
            ),
        ]
      : empty('No session was seen to derive from this key.'),
  ];
}
