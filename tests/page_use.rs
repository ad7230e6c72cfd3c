//! The HTML report as people use it, in a real browser: fast with 5,000 keys, by keyboard, by link, in light and dark, on
//! paper; and by the rules of accessibility.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use serde_json::Value;
use std::path::PathBuf;
use support::browser::Browser;
use support::{Dir, code, offkey, stderr};

/// A report of the demo's estate.
fn report(dir: &Dir, keys: &str) -> (PathBuf, Value) {
    let output = offkey(dir, &["demo", "--quiet", "--keys", keys, "-o", "out"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let json = std::fs::read(dir.path().join("out/report.json")).unwrap();
    (dir.path().join("out/report.html"), serde_json::from_slice(&json).unwrap())
}

#[test]
fn five_thousand_keys_open_in_no_time_and_every_one_by_its_link() {
    let Some(browser) = Browser::start() else { return };
    let dir = Dir::new();
    let (page, report) = report(&dir, "5000");
    let size = std::fs::metadata(&page).unwrap().len();
    assert!(size <= 5_000_000, "{size} bytes");
    let times: Vec<u128> = (0..3).map(|_| browser.open(&page, "").as_millis()).collect();
    println!("{size} bytes, ready in {times:?} ms");
    // A limit of the product's, and generous: machines of tests are slow and busy.
    assert!(*times.iter().min().unwrap() < 2000, "{times:?}");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    // Search and facets: from the letter to the table, without what the browser draws.
    for (name, act) in [
        ("search", "filters.q = `ec2 boto ${i}`; refresh()"),
        (
            "facet",
            "controls.verdict.value = 'replace'; controls.verdict.dispatchEvent(new Event('change', {bubbles: true}))",
        ),
        ("sorting", "controls.heads[0].querySelector('button').click()"),
    ] {
        let took = browser.eval(&format!("(() => {{ const t = []; for (let i = 0; i < 3; i += 1) {{ const s = performance.now(); {act}; t.push(performance.now() - s); }} return Math.min(...t); }})()"));
        println!("{name}: {took} ms");
        assert!(took.as_f64().unwrap() < 50.0, "{name}: {took} ms");
    }
    // Few rows are in the document, however many there are.
    let rows = browser.eval("document.querySelectorAll('.keys tbody tr').length").as_u64().unwrap();
    assert!(rows < 120, "{rows}");
    // Every key's page, by its link.
    let opened = browser.eval(
        "(() => { let wrong = []; for (const key of data.keys) { showKey(key.reference); const text = byId('page').textContent; if (!text.includes(key.reference) || !text.includes(key.next_steps[0]) || /undefined|NaN|\\[object/.test(text)) wrong.push(key.reference); } return wrong; })()",
    );
    assert_eq!(opened, serde_json::json!([]));
    let id = report["keys"][4321]["reference"].as_str().unwrap();
    browser.open(&page, &format!("#key={id}"));
    browser.call("Page.reload", serde_json::json!({}));
    browser.wait("document.documentElement.classList.contains('ready') && !byId('page').hidden");
    assert_eq!(browser.eval("byId('page-title').textContent"), id);
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn the_csv_is_the_table_as_it_is_filtered_and_sorted() {
    let Some(browser) = Browser::start() else { return };
    let dir = Dir::new();
    let (page, report) = report(&dir, "60");
    browser.open(&page, "#keys&verdict=replace");
    // What would be saved is caught on its way.
    let csv = browser.eval(
        "(async () => { let caught; const make = URL.createObjectURL; URL.createObjectURL = (blob) => { caught = blob; return make(blob); }; downloadCsv(); URL.createObjectURL = make; return caught.text(); })()",
    );
    let csv = csv.as_str().unwrap();
    let shown: Vec<String> =
        serde_json::from_value(browser.eval("rows.map((key) => key.reference)")).unwrap();
    let lines: Vec<&str> = csv.trim_start_matches('\u{feff}').lines().skip(1).collect();
    assert_eq!(lines.len(), shown.len());
    for (line, id) in lines.iter().zip(&shown) {
        assert!(line.starts_with(id.as_str()) || line.starts_with(&format!("\"{id}")), "{line}");
    }
    let replace = report["keys"].as_array().unwrap().iter().filter(|key| key["verdict"] == "replace").count();
    assert_eq!(shown.len(), replace);
}

/// Violations of WCAG 2.2, A and AA, with where they are.
fn violations(browser: &Browser) -> Vec<String> {
    let found = browser.eval(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22a', 'wcag22aa']}).then((r) => r.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.target.join(' ') + ' ' + n.failureSummary).join(' | ')))",
    );
    serde_json::from_value(found).unwrap()
}

#[test]
fn the_rules_of_accessibility_hold_in_light_and_dark() {
    let Some(browser) = Browser::start() else { return };
    let Some(axe) = std::env::var("OFFKEY_AXE").ok().filter(|path| !path.is_empty()) else {
        println!("skipped: no axe-core (OFFKEY_AXE is not set; tests/run sets it)");
        return;
    };
    let axe = std::fs::read_to_string(axe).unwrap();
    let dir = Dir::new();
    let (page, report) = report(&dir, "60");
    let keys = report["keys"].as_array().unwrap();
    let mut places = vec![String::new()];
    for verdict in ["retire", "replace", "rotate", "investigate"] {
        let key = keys.iter().find(|key| key["verdict"] == verdict).unwrap();
        places.push(format!("#key={}", key["reference"].as_str().unwrap()));
    }
    let mut wrong = Vec::new();
    // The rules do find what is wrong.
    browser.open(&page, "");
    browser.eval("byId('main').append(el('img', { src: 'data:,' }))");
    browser.eval(&axe);
    assert!(violations(&browser).iter().any(|found| found.starts_with("image-alt")));
    for scheme in ["light", "dark"] {
        for (width, height) in [(1280, 900), (420, 800)] {
            browser.scheme(scheme);
            browser.size(width, height);
            for place in &places {
                browser.open(&page, place);
                // Everything that can be opened is looked at.
                browser.eval("document.querySelectorAll('details').forEach((d) => { d.open = true; })");
                browser.eval("new Promise((done) => setTimeout(done, 100))");
                browser.eval(&axe);
                wrong.extend(
                    violations(&browser).into_iter().map(|v| format!("{scheme} {width} {place}: {v}")),
                );
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_keyboard_alone_reaches_a_key_and_comes_back() {
    let Some(browser) = Browser::start() else { return };
    let dir = Dir::new();
    let (page, _) = report(&dir, "60");
    browser.open(&page, "");
    browser.press("Tab");
    assert_eq!(browser.eval("document.activeElement.id"), "skip", "the first stop leads past the bar");
    // On to the search, by Tab alone.
    for _ in 0..200 {
        browser.press("Tab");
        if browser.eval("document.activeElement === controls.q") == true {
            break;
        }
    }
    assert_eq!(browser.eval("document.activeElement === controls.q"), true);
    assert_eq!(
        browser.eval("getComputedStyle(document.activeElement).outlineStyle"),
        "solid",
        "where the focus is can be seen"
    );
    browser.call("Input.insertText", serde_json::json!({"text": "boto"}));
    browser.wait("rows.length < 60");
    let found = browser.eval("rows.length").as_u64().unwrap();
    assert!(found > 0 && found < 60, "{found}");
    for _ in 0..60 {
        browser.press("Tab");
        if browser.eval("!!document.activeElement.closest('.keys tbody')") == true {
            break;
        }
    }
    let first = browser.eval("document.activeElement.textContent");
    browser.press("ArrowDown");
    let second = browser.eval("document.activeElement.textContent");
    assert_ne!(first, second);
    browser.press("Enter");
    browser.wait("!byId('page').hidden");
    assert_eq!(browser.eval("byId('page-title').textContent"), second);
    browser.eval("history.back()");
    browser.wait("byId('page').hidden");
    assert_eq!(browser.eval("document.activeElement.textContent"), second, "back where one was");
}

#[test]
fn it_prints_a_summary_and_the_first_fifty_keys() {
    let Some(browser) = Browser::start() else { return };
    let dir = Dir::new();
    let (page, _) = report(&dir, "200");
    browser.open(&page, "");
    browser.call("Emulation.setEmulatedMedia", serde_json::json!({"media": "print"}));
    browser.eval("dispatchEvent(new Event('beforeprint'))");
    let visible = "[...document.querySelectorAll('.keys tbody tr:not(.spacer)')].filter((row) => row.offsetHeight > 0).length";
    assert_eq!(browser.eval(visible), 50);
    let pdf = browser.pdf();
    assert!(pdf.starts_with(b"%PDF") && pdf.len() > 20_000, "{} bytes", pdf.len());
}

#[test]
fn pictures_have_no_words_that_overlap_or_are_cut() {
    let Some(browser) = Browser::start() else { return };
    let dir = Dir::new();
    let (_, report) = report(&dir, "60");
    // With a history, so that there is a burn-down.
    for day in ["2026-07-20", "2026-08-10", "2026-09-01"] {
        let file = format!("history/{day}.json");
        std::fs::create_dir_all(dir.path().join("history")).unwrap();
        let output = offkey(&dir, &["report", "out/estate", "--as-of", day, "-q", "-o", &file]);
        assert!([0, 3].contains(&code(&output)), "{}", stderr(&output));
    }
    let arguments =
        ["report", "out/estate", "--as-of", "2026-10-01", "--history", "history", "-q", "-o", "r.html"];
    assert!([0, 3].contains(&code(&offkey(&dir, &arguments))));
    let page = dir.path().join("r.html");
    let mut places: Vec<String> = vec![String::new()];
    places.extend(
        report["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|key| format!("#key={}", key["reference"].as_str().unwrap())),
    );
    let check = "(() => {
        const wrong = []; let pictures = 0;
        for (const svg of document.querySelectorAll('svg.graph, svg.bars, svg.calendar')) {
            if (!svg.checkVisibility()) continue;
            pictures += 1;
            const frame = svg.getBoundingClientRect();
            const words = [...svg.querySelectorAll('text')].map((text) => [text.textContent, text.getBoundingClientRect()]);
            for (const [text, box] of words) {
                if (box.left < frame.left - 1 || box.right > frame.right + 1 || box.top < frame.top - 2 || box.bottom > frame.bottom + 2) wrong.push(`cut: ${text}`);
            }
            words.forEach(([one, a], at) => words.slice(at + 1).forEach(([other, b]) => {
                if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 3 && b.top < a.bottom - 3) wrong.push(`${one} over ${other}`);
            }));
        }
        return [pictures, wrong];
    })()";
    for width in [1280, 900] {
        browser.size(width, 900);
        browser.open(&page, "");
        let mut pictures = 0;
        for place in &places {
            browser.eval(&format!("(() => {{ location.hash = '{place}'; route(); }})()"));
            let found = browser.eval(check);
            pictures += found[0].as_u64().unwrap();
            assert_eq!(found[1], serde_json::json!([]), "{width} {place}");
        }
        assert!(pictures > 60, "{pictures}");
    }
}

#[test]
fn the_scripts_own_functions_do_what_they_say() {
    let Some(browser) = Browser::start() else { return };
    let dir = Dir::new();
    let (page, _) = report(&dir, "60");
    browser.open(&page, "");
    let cells: &[(&str, Value)] = &[
        ("bucket(AGES, 90)", "90 days or less".into()),
        ("bucket(AGES, 91)", "91–180 days".into()),
        ("bucket(AGES, 100000)", "over 2 years".into()),
        ("bucket(AGES, null)", "unknown".into()),
        ("bytes(999)", "999 B".into()),
        ("bytes(1500)", "1.5 kB".into()),
        ("count(1, 'key')", "1 key".into()),
        ("count(1234, 'key')", "1,234 keys".into()),
        ("visible('a\\u202eb\\u0000\\u200b')", "a\\u202eb\\u0000\\u200b".into()),
        ("csvCell('=1+1')[0] !== '='", true.into()),
        ("csvCell('+1')[0] !== '+'", true.into()),
        ("csvCell('a,\"b\"')", "\"a,\"\"b\"\"\"".into()),
        ("filterHref({ verdict: 'a b', wave: '' })", "#keys&verdict=a%20b".into()),
        ("keyHref('a/b#c')", "#key=a%2Fb%23c".into()),
        ("dateOf(dayOf('2026-02-28') + 1)", "2026-03-01".into()),
        ("decode('%zz')", "%zz".into()),
        ("fit('x'.repeat(500), 100).length < 40", true.into()),
    ];
    for (expression, want) in cells {
        assert_eq!(browser.eval(expression), *want, "{expression}");
    }
}
