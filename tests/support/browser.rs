//! A real browser, driven by its own protocol over two pipes: Debian's Chromium and nothing else.

use super::Dir;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The browser's name; `None`, said aloud, where there is none.
pub fn chromium() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok_and(|o| o.status.success()));
    if found.is_none() {
        println!("skipped: the page is not opened, as there is no Chromium");
    }
    found
}

/// A browser with one page.
pub struct Browser {
    child: Child,
    to: RefCell<File>,
    from: RefCell<File>,
    rest: RefCell<Vec<u8>>,
    next: RefCell<u64>,
    session: RefCell<String>,
    /// Everything that the page said, loaded or did wrong.
    events: RefCell<Vec<Value>>,
    _dir: Dir,
}

impl Browser {
    /// Starts one, if there is one.
    pub fn start() -> Option<Self> {
        let name = chromium()?;
        let dir = Dir::new();
        for pipe in ["in", "out"] {
            assert!(Command::new("mkfifo").arg(dir.path().join(pipe)).status().unwrap().success());
        }
        // The browser reads from descriptor 3 and writes to 4.
        let child = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<in 4>out", "sh", name])
            .args([
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-pipe",
            ])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-sync"])
            .args(["--disable-extensions", "--force-device-scale-factor=1", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", dir.path().join("profile").display()))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let to = OpenOptions::new().write(true).open(dir.path().join("in")).unwrap();
        let from = File::open(dir.path().join("out")).unwrap();
        let browser = Self {
            child,
            to: RefCell::new(to),
            from: RefCell::new(from),
            rest: RefCell::default(),
            next: RefCell::new(1),
            session: RefCell::default(),
            events: RefCell::default(),
            _dir: dir,
        };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"}));
        let session =
            browser.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        *browser.session.borrow_mut() = session["sessionId"].as_str().unwrap().to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            browser.call(&format!("{domain}.enable"), json!({}));
        }
        Some(browser)
    }

    /// One call of the protocol; an error is the test's.
    pub fn call(&self, method: &str, params: Value) -> Value {
        let id = self.next.replace_with(|id| *id + 1);
        let mut message = json!({"id": id, "method": method, "params": params});
        if !self.session.borrow().is_empty() {
            message["sessionId"] = json!(*self.session.borrow());
        }
        self.to.borrow_mut().write_all(format!("{message}\0").as_bytes()).unwrap();
        loop {
            let answer = self.message();
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return answer["result"].clone();
            }
            self.events.borrow_mut().push(answer);
        }
    }

    fn message(&self) -> Value {
        let mut rest = self.rest.borrow_mut();
        loop {
            if let Some(at) = rest.iter().position(|byte| *byte == 0) {
                let message: Vec<u8> = rest.drain(..=at).collect();
                return serde_json::from_slice(&message[..at]).unwrap();
            }
            let mut buffer = [0; 65_536];
            let n = self.from.borrow_mut().read(&mut buffer).unwrap();
            assert!(n > 0, "the browser went away");
            rest.extend_from_slice(&buffer[..n]);
        }
    }

    /// Opens a file and waits until its script is done; the time that took.
    pub fn open(&self, page: &Path, fragment: &str) -> Duration {
        self.events.borrow_mut().clear();
        // The same file with another fragment would be a jump, and no load.
        self.call("Page.navigate", json!({"url": "about:blank"}));
        let start = Instant::now();
        self.call("Page.navigate", json!({"url": format!("file://{}{fragment}", page.display())}));
        self.wait("document.documentElement.classList.contains('ready')");
        start.elapsed()
    }

    /// Waits until an expression is true.
    pub fn wait(&self, expression: &str) {
        let start = Instant::now();
        // While a page loads there may be no document yet.
        let careful = format!("(() => {{ try {{ return {expression}; }} catch {{ return false; }} }})()");
        while self.eval(&careful) != true {
            assert!(
                start.elapsed() < Duration::from_secs(30),
                "waited for {expression}: {:?}",
                self.complaints()
            );
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Evaluates an expression; promises are waited for.
    pub fn eval(&self, expression: &str) -> Value {
        let answer = self.call(
            "Runtime.evaluate",
            json!({"expression": expression, "awaitPromise": true, "returnByValue": true}),
        );
        assert!(answer.get("exceptionDetails").is_none(), "{expression}: {}", answer["exceptionDetails"]);
        answer["result"]["value"].clone()
    }

    /// Presses a key.
    pub fn press(&self, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "ArrowDown" => 40,
            "Home" => 36,
            "End" => 35,
            _ => 0,
        };
        let text = if key == "Enter" { "\r" } else { "" };
        for kind in ["keyDown", "keyUp"] {
            self.call(
                "Input.dispatchKeyEvent",
                json!({"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": if kind == "keyDown" { text } else { "" }}),
            );
        }
    }

    /// What the page complained about: errors on its console, uncaught ones, and anything that it asked the network for.
    pub fn complaints(&self) -> Vec<String> {
        self.eval("1");
        let events = self.events.borrow();
        let told = events.iter().filter_map(|event| {
            let params = &event["params"];
            match event["method"].as_str()? {
                "Runtime.exceptionThrown" => Some(params["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled" => Some(params["args"].to_string()),
                "Log.entryAdded" => Some(params["entry"]["text"].to_string()),
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str()?;
                    let own = url.starts_with("file://")
                        || url.starts_with("data:")
                        || url.starts_with("about:")
                        || url.starts_with("blob:");
                    (!own).then(|| format!("request: {url}"))
                }
                _ => None,
            }
        });
        told.collect()
    }

    /// Light or dark.
    pub fn scheme(&self, scheme: &str) {
        self.call(
            "Emulation.setEmulatedMedia",
            json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]}),
        );
    }

    /// How large the window is.
    pub fn size(&self, width: u32, height: u32) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}),
        );
    }

    /// What is seen, as PNG.
    pub fn screenshot(&self) -> Vec<u8> {
        self.decoded(&self.call("Page.captureScreenshot", json!({"format": "png"})))
    }

    /// The page as it prints.
    pub fn pdf(&self) -> Vec<u8> {
        self.decoded(&self.call("Page.printToPDF", json!({"printBackground": true})))
    }

    fn decoded(&self, answer: &Value) -> Vec<u8> {
        use base64::Engine;
        base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap()).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
