//! A folder with a configuration, a sandbox in this process, and the binary to run between them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use keycomb::sandbox::{ManagementKey, Options, Sandbox};
use tempfile::TempDir;

/// The binary, without anything of this process's environment but PATH.
pub fn keycomb() -> Command {
    let mut command = Command::new(assert_cmd::cargo::cargo_bin!("keycomb"));
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("LANG", "C.UTF-8")
        .stdin(Stdio::null());
    command
}

/// What a run printed, and how it ended.
#[derive(Debug)]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub exit: i32,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            exit: output.status.code().unwrap_or(-1),
        }
    }
}

impl Ran {
    /// Fails unless it ended with that exit code.
    #[track_caller]
    pub fn exits(self, exit: i32) -> Self {
        assert_eq!(self.exit, exit, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }
}

/// A team `acme` at a sandbox of its own, with a folder for its configuration.
pub struct Team {
    pub folder: TempDir,
    pub sandbox: Sandbox,
    pub identity: PathBuf,
    recipient: String,
    key: ManagementKey,
    // Last: the sandbox's task lives in it.
    runtime: tokio::runtime::Runtime,
}

impl Team {
    pub fn new() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let sandbox = runtime.block_on(Sandbox::start(options)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (recipient, text) =
            keycomb::seal::generate_identity("2026-01-01T00:00:00Z".parse().unwrap()).unwrap();
        let identity = folder.path().join("identity.txt");
        keycomb::seal::write_new_private(&identity, &text).unwrap();
        let key = sandbox.management_key();
        Self { folder, sandbox, identity, recipient: recipient.to_string(), key, runtime }
    }

    /// Writes keycomb.toml: the tables every configuration needs, then `rest`.
    pub fn declare(&self, rest: &str) -> &Self {
        let text = format!(
            "version = 1\n[honeycomb]\nteam = \"acme\"\nendpoint = \"{}\"\n[seal.recipients]\nops = \"{}\"\n{rest}",
            self.sandbox.endpoint(),
            self.recipient
        );
        fs::write(self.path("keycomb.toml"), text).unwrap();
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, in the folder, with the management key in its environment.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = keycomb();
        command
            .current_dir(self.folder.path())
            .env("HONEYCOMB_KEY_ID", &self.key.id)
            .env("HONEYCOMB_KEY_SECRET", &self.key.secret)
            .args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.command(arguments).output().unwrap().into()
    }

    /// A request by hand, as a person with curl would make it; gives the status and the body.
    pub fn by_hand(&self, method: &str, path: &str, body: Option<&str>) -> (u16, serde_json::Value) {
        let url = format!("{}{path}", self.sandbox.endpoint());
        // Fails when it is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let mut request = client
            .request(method.parse().unwrap(), url)
            .header("Authorization", format!("Bearer {}:{}", self.key.id, self.key.secret));
        if let Some(body) = body {
            request = request.header("Content-Type", "application/vnd.api+json").body(body.to_owned());
        }
        self.runtime.block_on(async {
            let answer = request.send().await.unwrap();
            let status = answer.status().as_u16();
            let text = answer.text().await.unwrap();
            (status, serde_json::from_str(&text).unwrap_or(serde_json::Value::Null))
        })
    }

    /// The id of the one key with that name at the service.
    pub fn key_id(&self, name: &str) -> String {
        let truth = self.sandbox.truth();
        let mut found = truth.keys.iter().filter(|key| key.name == name && key.deleted.is_none());
        let id = found.next().unwrap_or_else(|| panic!("no key `{name}`")).id.clone();
        assert!(found.next().is_none(), "two keys `{name}`");
        id
    }

    /// Disables or enables a key behind keycomb's back.
    pub fn set_disabled(&self, id: &str, disabled: bool) {
        let body =
            format!(r#"{{"data":{{"id":"{id}","type":"api-keys","attributes":{{"disabled":{disabled}}}}}}}"#);
        let (status, _) = self.by_hand("PATCH", &format!("/2/teams/acme/api-keys/{id}"), Some(&body));
        assert_eq!(status, 200);
    }
}

/// All files below a folder.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

/// Two environments and three keys.
pub const SAMPLE: &str = r#"
[environment.production]
name = "Production"
color = "red"
[environment.staging]
[key.checkout]
environments = ["production", "staging"]
type = "ingest"
permissions = ["create_datasets"]
[key.ci]
environment = "staging"
type = "configuration"
permissions = ["manage_markers", "run_queries"]
"#;
