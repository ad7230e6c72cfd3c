// Follows the address, unpacks the data and starts.

// ---- Where we are: the address names a section, a filtered table or a key ---------------------------------------
let left; // where the reader was in the report when a key page opened
const decode = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
};
function showKey(reference) {
  const key = keyOf.get(reference);
  const [report, page] = [byId('report'), byId('page')];
  if (!report.hidden) left = { y: scrollY, top: controls.scroller.scrollTop };
  [report.hidden, page.hidden] = [true, false];
  page.replaceChildren(
    ...(key
      ? keyPage(key)
      : [
          el('nav', { class: 'crumbs', 'aria-label': 'Key' }, el('a', { href: '#keys' }, '← All keys')),
          el('h1', { id: 'page-title', tabindex: '-1' }, 'No such key'),
          empty(`This report has no key ${reference}.`),
        ]
    )
      .flat(Infinity)
      .filter(Boolean),
  );
  document.title = `${visible(reference)} – ${visible(data.title)}`;
  scrollTo({ top: 0, behavior: 'instant' });
  byId('page-title').focus({ preventScroll: true });
  left = { ...left, key };
}

function showReport(id) {
  const [report, page] = [byId('report'), byId('page')];
  const back = report.hidden && left;
  [report.hidden, page.hidden] = [false, true];
  page.replaceChildren();
  document.title = visible(data.title);
  if (back && rows.includes(back.key) && (id === 'keys' || !id)) {
    // back where the reader was, on the key just read
    scrollTo({ top: back.y || byId('keys').offsetTop, behavior: 'instant' });
    controls.scroller.scrollTop = back.top || 0;
    focusRow(rows.indexOf(back.key));
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
    const wanted = Object.fromEntries(
      pairs.map((pair) => pair.split(/=(.*)/s)).map(([name, value]) => [name, decode(value || '')]),
    );
    const same = ['q', ...Object.keys(FACETS)].every((name) => (filters[name] || '') === (wanted[name] || ''));
    if (pairs.length && !same) setFilters(wanted);
  }
  return showReport(id);
}

// ---- Start ----------------------------------------------------------------------------------------------------
const PARTS = [
  ['summary', 'Summary', summary],
  ['burn-down', 'Burn-down', burnDown],
  ['waves', 'Waves', waves],
  ['flow', 'Flow', flow],
  ['ages', 'Ages', heatMap],
  ['keys', 'Keys', keyTable],
  ['users', 'Users', users],
  ['coverage', 'Coverage', coverage],
  ['mutes', 'Exemptions', mutes],
  ['method', 'Method', method],
];

async function start() {
  data = await unpack();
  index();
  byId('bar').append(
    el('span', { class: 'brand' }, 'offkey'),
    el(
      'nav',
      { 'aria-label': 'Sections' },
      PARTS.map(([id, title]) => el('a', { href: `#${id}` }, title)),
    ),
  );
  byId('report').append(intro(), ...PARTS.map(([, , build]) => build()));
  byId('foot').append('Made by offkey ', data.offkey_version, ' · nothing in this file calls the network');
  byId('static').remove();
  byId('skip').addEventListener('click', jump('main'));
  byId('report').hidden = false;
  setFilters({});
  addEventListener('hashchange', route);
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
  byId('main').prepend(
    callout(
      `The full report could not be unpacked (${error.message}). The file may be damaged, or the browser older than Chrome 85, Firefox 113 or Safari 16.4.`,
    ),
  );
  console.error(error);
});
