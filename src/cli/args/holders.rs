//! The words of `keycomb secrets …` for holders (verify, exec, rekey, prove), and of `keycomb undo`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::{Format, Lift, Opener, Service, parse_file};
use crate::model::{Address, Label};

/// `keycomb secrets verify`
#[derive(Debug, Args)]
#[command(after_help = VERIFY_HELP)]
pub struct Verify {
    /// Only these keys, all their generations: key.ENVIRONMENT.NAME; left out: all that the identity opens
    pub address: Vec<Address>,
    /// Who opens them.
    #[command(flatten)]
    pub opener: Opener,
    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE", value_parser = parse_file, conflicts_with = "sandbox")]
    pub ca_file: Option<PathBuf>,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}

const VERIFY_HELP: &str = "\
Each credential is used once, at /1/auth of the service, which asks no permission
and changes nothing. What it answers is held against the sealed file: type, team,
environment, an ingest key's id, and those permissions that the answer has a word
on. A key that was switched off must be refused. No management key is needed.

A key that was made, enabled or disabled within the last few minutes may be
reported wrongly: the service takes a while to spread such a change.

Exit 2 when a key is not as it should be, 1 when the service could not be asked.";

/// `keycomb secrets exec`
#[derive(Debug, Args)]
#[command(after_help = EXEC_HELP)]
pub struct Exec {
    /// Which key, and the variable it goes into: [NAME=]key.ENVIRONMENT.NAME; HONEYCOMB_API_KEY if no name is given
    #[arg(required = true, value_name = "[NAME=]ADDRESS")]
    pub variable: Vec<Variable>,
    /// Who opens them.
    #[command(flatten)]
    pub opener: Opener,
    /// The command and its arguments, after `--`
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

const EXEC_HELP: &str = "\
  keycomb secrets exec key.production.web -i ID -- ./send-events
  keycomb secrets exec WRITE=key.production.web READ=key.production.ci -i ID -- ./run

The command takes this process's place: signals and the exit code are its own; where
it cannot be executed the exit code is 126, where there is none 127. It gets the
environment of keycomb as it is, and the variables named here besides. Names that
programs, shells or the loader go by (PATH, HOME, LD_..., BASH_ENV ...) are refused.

An environment is read by every process of the same user and by root
(/proc/PID/environ), and inherited by whatever the command starts. Where that is
too much, let the program read it from a pipe: keycomb secrets open ADDRESS -i ID";

/// One variable for a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name; `None`: the usual one.
    pub name: Option<String>,
    /// The key whose credential it holds.
    pub address: Address,
}

impl FromStr for Variable {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, address) = match text.split_once('=') {
            Some((name, address)) => (Some(name), address),
            None => (None, text),
        };
        let is_plain = |name: &str| {
            let mut letters = name.chars();
            letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
                && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
        };
        if name.is_some_and(|name| !is_plain(name)) {
            return Err(
                "a variable's name has only the characters A-Z a-z 0-9 _, and no digit first".to_owned()
            );
        }
        if name.is_some_and(is_obeyed) {
            return Err(
                "programs, shells or the loader go by this variable, and may print what is in it; choose another name"
                    .to_owned(),
            );
        }
        let address = address.parse().map_err(|error| format!("expected [NAME=]ADDRESS: {error}"))?;
        Ok(Self { name: name.map(str::to_owned), address })
    }
}

/// Whether a variable says how programs are found, loaded or begun: with a credential in it they fail, or name it in an error
/// (`LD_PRELOAD`, `JAVA_TOOL_OPTIONS`).
fn is_obeyed(name: &str) -> bool {
    const BEGIN: &[&str] = &["LD_", "DYLD_", "_RLD", "MALLOC_", "GLIBC_", "BASH_", "GIT_"];
    const NAMES: &[&str] = &[
        "BASHOPTS",
        "CDPATH",
        "EDITOR",
        "ENV",
        "GCONV_PATH",
        "HOME",
        "IFS",
        "JAVA_TOOL_OPTIONS",
        "JDK_JAVA_OPTIONS",
        "LOCPATH",
        "NLSPATH",
        "NODE_OPTIONS",
        "NODE_PATH",
        "OLDPWD",
        "PAGER",
        "PATH",
        "PERL5LIB",
        "PERL5OPT",
        "PERLLIB",
        "PROMPT_COMMAND",
        "PS1",
        "PS2",
        "PS4",
        "PWD",
        "PYTHONHOME",
        "PYTHONPATH",
        "PYTHONSTARTUP",
        "RUBYLIB",
        "RUBYOPT",
        "SHELL",
        "SHELLOPTS",
        "TERM",
        "TERMCAP",
        "TERMINFO",
        "TMPDIR",
        "VISUAL",
        "ZDOTDIR",
        "_JAVA_OPTIONS",
    ];
    NAMES.contains(&name) || BEGIN.iter().any(|begin| name.starts_with(begin))
}

/// `keycomb secrets rekey`
#[derive(Debug, Args)]
#[command(after_help = REKEY_HELP)]
pub struct Rekey {
    /// Only these keys: key.ENVIRONMENT.NAME; left out: all
    pub address: Vec<Address>,
    /// Who opens them.
    #[command(flatten)]
    pub opener: Opener,
    /// Only this environment's, by its name in the configuration
    #[arg(long, value_name = "NAME", value_parser = |text: &str| Label::new(text))]
    pub env: Option<Label>,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}

const REKEY_HELP: &str = "\
Every entry whose recipients are not those of the configuration is opened, checked,
and sealed to them. The file is replaced once, with all of them in it: if one entry
cannot be opened, nothing is written and all such entries are listed. Running it
again changes nothing. Keys that are staged are left alone, as their release hangs
on the very entry they have; run it again after their release.

It takes nothing back. Who could open an entry before can still open it in an older
version of the file, in git or in a copy: only a new secret ends that. `keycomb
secrets list` says whom and which keys that concerns.";

/// `keycomb secrets prove`
#[derive(Debug, Args)]
#[command(after_help = PROVE_HELP)]
pub struct Prove {
    /// An age identity file, or an SSH private key (ed25519, rsa); `-` for stdin; may be repeated; left out: only
    /// write the challenges
    #[arg(short, long, value_name = "FILE", value_parser = parse_file)]
    pub identity: Vec<PathBuf>,
    /// The sealed file of the sandbox
    #[arg(long)]
    pub sandbox: bool,
    /// Make new challenges, also for recipients that have proven themselves
    #[arg(long)]
    pub again: bool,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
}

const PROVE_HELP: &str = "\
A challenge is a random answer, sealed to one recipient; its digest stands beside it
in the sealed file. Who holds that recipient's identity opens it once, the answer
goes into the file, and the recipient counts as proven. It needs no access to
Honeycomb, only a checkout of the sealed file and its configuration:

  1. keycomb secrets prove          writes a challenge for each recipient; commit
  2. keycomb secrets prove -i ID    each holder, in their checkout; commit

Alone, the second step does both. Who writes a challenge knows its answer, so let
somebody else write it where that matters. `min_proven = 2` under `[seal]` refuses
to seal a secret that fewer proven recipients could open.";

/// `keycomb secrets merge --help`
pub(super) const MERGE_HELP: &str = "\
Merge two versions of the sealed file: every entry of both, none dropped.

As git's merge driver, so that branches and rebases join the file by
themselves. `init` writes the first line; the second is run once in each
clone:

  echo '*.sealed.toml merge=keycomb' >> .gitattributes
  git config merge.keycomb.driver \\
    'keycomb secrets merge %O %A %B --path %P'

By hand, when a merge without the driver stopped at the file:

  git show :1:./keycomb.sealed.toml > base.toml
  git show :2:./keycomb.sealed.toml > ours.toml
  git show :3:./keycomb.sealed.toml > theirs.toml
  keycomb secrets merge base.toml ours.toml theirs.toml
  mv ours.toml keycomb.sealed.toml; git add keycomb.sealed.toml

To take back entries that a rollback of the file lost:

  git show COMMIT:./keycomb.sealed.toml > old.toml
  keycomb secrets merge old.toml keycomb.sealed.toml old.toml

Exit 1 when a person must decide: both sides sealed a secret anew. Nothing
is written then; with --path the entry stands in the file twice, between
conflict markers. Keep either, then run `keycomb secrets rekey`: both hold
the same secret, each sealed to what its side declared.";

/// `keycomb undo`
#[derive(Debug, Args)]
#[command(after_help = UNDO_HELP)]
pub struct Undo {
    /// Which run, or `last`; left out: list them
    pub run: Option<String>,
    /// Only show what it would do
    #[arg(long, requires = "run")]
    pub plan: bool,
    /// The service.
    #[command(flatten)]
    pub service: Service,
    /// What is lifted.
    #[command(flatten)]
    pub lift: Lift,
    /// The result's form
    #[arg(long, value_name = "text|json", default_value = "text", hide_possible_values = true)]
    pub format: Format,
    /// Do not ask. Never lifts a guard
    #[arg(short, long)]
    pub yes: bool,
}

const UNDO_HELP: &str = "\
Every command that writes leaves an account of its run in .keycomb/runs/ beside the
configuration (with --sandbox: .keycomb/sandbox-runs/): what it changed, from what to
what, and no secrets. The 100 newest are kept, on the machine that ran them; .keycomb/
is not committed.

Taken back are changes in place: names, permissions, enabled or disabled, and the
attributes of environments, each only if it still is as the run made it. What was
deleted is gone, and what was made is retired through the files: both are shown as
blocked. The files are yours: where they still ask for what is taken back, a finding
says so, and the next apply does it again unless they follow.";
