//! Pictures of the page, for people to look at, and the one that README shows, which has to be of the sample as it is now.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that panics has failed, as it should"
)]

mod support;

use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use support::browser::Browser;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Which page a picture is of: a text chunk of PNG (<https://www.w3.org/TR/png/#11tEXt>) behind the header.
const KEYWORD: &[u8] = b"tEXtoffkey-page\0";

fn hash(page: &Path) -> String {
    Sha256::digest(std::fs::read(page).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The picture with the hash of its page in it.
fn marked(png: &[u8], page: &str) -> Vec<u8> {
    let body = [KEYWORD, page.as_bytes()].concat();
    let mut sum = flate2::Crc::new();
    sum.update(&body);
    let length = u32::try_from(body.len() - 4).unwrap();
    // The signature has 8 bytes, the header 25.
    let (head, rest) = png.split_at(33);
    [head, &length.to_be_bytes(), &body, &sum.sum().to_be_bytes(), rest].concat()
}

fn mark_of(png: &[u8]) -> Option<String> {
    let at = png.windows(KEYWORD.len()).position(|part| part == KEYWORD)? + KEYWORD.len();
    Some(String::from_utf8_lossy(png.get(at..at + 64)?).into_owned())
}

#[test]
fn the_picture_in_readme_is_of_the_sample_as_it_is() {
    let page = root().join("reports/sample/report.html");
    let path = root().join("docs/report.png");
    if std::env::var_os("UPDATE").is_some() {
        let Some(browser) = Browser::start() else { return };
        browser.size(1280, 1000);
        browser.open(&page, "");
        std::fs::write(&path, marked(&browser.screenshot(), &hash(&page))).unwrap();
    }
    let png = std::fs::read(&path).unwrap();
    assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() > 20_000);
    let told = mark_of(&png);
    assert_eq!(told, Some(hash(&page)), "run UPDATE=1 cargo test --test docs, then --test page_pictures");
}

/// `OFFKEY_PICTURES=DIR cargo test --test page_pictures` leaves them there to be looked at.
#[test]
fn every_part_can_be_pictured() {
    let Some(browser) = Browser::start() else { return };
    let page = root().join("reports/sample/report.html");
    let out = std::env::var("OFFKEY_PICTURES").ok();
    let key = "data.keys.filter((k) => k.verdict === 'replace').sort((a, b) => b.consumers.length - a.consumers.length)[0].reference";
    for (name, scheme, width, height, place) in [
        ("summary", "light", 1280, 1000, ""),
        ("flow", "light", 1280, 1000, "#flow"),
        ("ages", "light", 1280, 1000, "#ages"),
        ("table", "light", 1280, 1000, "#keys"),
        ("coverage", "light", 1280, 1400, "#coverage"),
        ("key", "light", 1280, 2400, "#key"),
        ("dark", "dark", 1280, 1000, ""),
        ("dark-key", "dark", 1280, 1600, "#key"),
        ("phone", "light", 420, 1600, ""),
    ] {
        browser.scheme(scheme);
        browser.size(width, height);
        browser.open(&page, "");
        let place = match place {
            "#key" => format!("#key={}", browser.eval(key).as_str().unwrap()),
            place => place.to_owned(),
        };
        browser.eval(&format!("(() => {{ document.documentElement.style.scrollBehavior = 'auto'; location.hash = '{place}'; route(); }})()"));
        browser.eval("new Promise((done) => setTimeout(done, 150))");
        let png = browser.screenshot();
        assert!(png.len() > 10_000, "{name}: nothing but one colour");
        if let Some(out) = &out {
            std::fs::create_dir_all(out).unwrap();
            std::fs::write(Path::new(out).join(format!("{name}.png")), png).unwrap();
        }
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
