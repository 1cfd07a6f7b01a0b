//! Chromium, spoken to over a pipe (the DevTools protocol; a message is JSON and ends in a zero byte).

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long an answer may take before the browser is taken for dead. Not a measure of anything.
const PATIENCE: Duration = Duration::from_secs(120);

/// A browser with one tab. It ends with this value, and so does every process it started.
pub struct Browser {
    child: Child,
    to: ChildStdin,
    from: Receiver<Value>,
    last: u64,
    session: Option<String>,
    events: Vec<Value>,
    _profile: TempDir,
}

impl Browser {
    /// Starts one. Fails where there is none: without it, all of this would pass by not happening.
    pub fn open() -> Self {
        let found = Command::new("chromium").arg("--version").stderr(Stdio::null()).output();
        assert!(
            found.is_ok_and(|output| output.status.success()),
            "these tests need Chromium: apt-get install chromium"
        );
        let profile = tempfile::tempdir().unwrap();
        // The pipe is the browser's file descriptors 3 and 4, which only a shell can give it from here.
        let script = "exec chromium \"$@\" 3<&0 4>&1 </dev/null >/dev/null";
        let mut child = Command::new("sh")
            .args(["-c", script, "chromium", "--headless=new", "--remote-debugging-pipe"])
            // It refuses to run as root with its own sandbox, and a container has no rights for one.
            .args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("a shell");
        let to = child.stdin.take().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (send, from) = channel();
        std::thread::spawn(move || {
            let mut message = vec![];
            while out.read_until(0, &mut message).is_ok_and(|read| read > 0) {
                message.pop();
                let Ok(value) = serde_json::from_slice(&message) else { break };
                if send.send(value).is_err() {
                    break;
                }
                message.clear();
            }
        });
        let mut browser = Self { child, to, from, last: 0, session: None, events: vec![], _profile: profile };
        let target = browser.call("Target.createTarget", &json!({ "url": "about:blank" }));
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = browser.call("Target.attachToTarget", &attach);
        browser.session = Some(session["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Runtime", "Log", "Network"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        browser
    }

    /// Calls a method and gives its result.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.last += 1;
        let mut message = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = serde_json::to_vec(&message).unwrap();
        bytes.push(0);
        self.to.write_all(&bytes).unwrap_or_else(|error| panic!("Chromium is gone ({error}) at {method}"));
        loop {
            let mut answer = self.next();
            if answer["id"] == self.last {
                assert!(answer.get("error").is_none(), "{method}: {}", answer["error"]);
                return answer["result"].take();
            }
            self.events.push(answer);
        }
    }

    /// Opens a page and waits until all of it is there.
    #[track_caller]
    pub fn visit(&mut self, page: &Path) {
        self.events.clear();
        let gone = self.call("Page.navigate", &json!({ "url": format!("file://{}", page.display()) }));
        assert!(gone.get("errorText").is_none(), "{gone}");
        while !self.events.iter().any(|event| event["method"] == "Page.loadEventFired") {
            let event = self.next();
            self.events.push(event);
        }
    }

    /// What happened since the page was asked for: (complaints, addresses that were asked for).
    pub fn heard(&self) -> (Vec<String>, Vec<String>) {
        let (mut complaints, mut asked) = (vec![], vec![]);
        for event in &self.events {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Log.entryAdded" | "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" => {
                    complaints.push(params.to_string());
                }
                "Network.requestWillBeSent" => {
                    asked.push(params["request"]["url"].as_str().unwrap().to_owned());
                }
                _ => {}
            }
        }
        (complaints, asked)
    }

    /// What a script on the page comes to.
    #[track_caller]
    pub fn evaluate(&mut self, script: &str) -> Value {
        let params = json!({ "expression": script, "returnByValue": true, "awaitPromise": true });
        let mut came = self.call("Runtime.evaluate", &params);
        assert!(came.get("exceptionDetails").is_none(), "{}", came["exceptionDetails"]);
        came["result"]["value"].take()
    }

    #[track_caller]
    fn next(&self) -> Value {
        self.from.recv_timeout(PATIENCE).expect("Chromium gives no answer")
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = rustix::process::Pid::from_child(&self.child);
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.child.wait();
    }
}
