//! What earlier runs did: one small file each, kept beside the configuration, without secrets.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Address, Timestamp};
use crate::plan::{Action, Made, Plan, Undoing, What};
use crate::report::{Became, Outcome, Report};

/// How many are kept.
pub const KEPT: usize = 100;

/// No run's file is larger, in bytes.
const LARGEST: u64 = 64 * 1024 * 1024;

const FORMAT: &str = "keycomb.run/1";

/// What one run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Run {
    /// `keycomb.run/1`
    pub format: String,
    /// Its name; names sort by time.
    pub id: String,
    /// The command: `apply`, `rotate`, `undo` …
    pub command: String,
    /// The team's slug.
    pub team: String,
    /// The service.
    pub endpoint: String,
    /// The sealed file's lineage; null where there was none before the run.
    pub lineage: Option<String>,
    /// The sealed file's serial after the run.
    pub serial: u64,
    /// When it began, by the local clock, RFC 3339 in UTC.
    pub began: String,
    /// When it ended, by the service's clock, RFC 3339 in UTC.
    pub ended: String,
    /// What it did, in the plan's order; blocked actions are left out.
    pub actions: Vec<RunAction>,
}

/// One action of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunAction {
    /// Whom it concerned.
    pub address: String,
    /// What was to be done, in a word.
    pub verb: String,
    /// The key's generation; null for an environment.
    pub generation: Option<u32>,
    /// The service's id, where it became known.
    pub id: Option<String>,
    /// `done`, `staged`, `failed`, `in_doubt`, `not_started` or `left`.
    pub state: String,
    /// What differed. Texts may be hostile.
    pub changes: Vec<RunChange>,
}

/// One attribute of an action.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RunChange {
    /// The attribute, by its TOML key.
    pub field: String,
    /// As it was; null for a creation. A list has one item a line.
    pub before: Option<String>,
    /// As it was to be; null for a deletion. A list has one item a line.
    pub after: Option<String>,
}

impl Run {
    /// A run's account. `id` is [`Run::name`] of when it began.
    pub fn of(id: String, command: &str, began: Timestamp, plan: &Plan, report: &Report) -> Self {
        let header = &plan.header;
        let of_plan = plan.actions.iter().zip(&report.outcomes);
        Self {
            format: FORMAT.to_owned(),
            id,
            command: command.to_owned(),
            team: header.team.to_string(),
            endpoint: header.endpoint.to_string(),
            lineage: header.sealed.as_ref().map(|(lineage, _)| lineage.to_string()),
            serial: report.serial,
            began: began.to_string(),
            ended: report.ended.to_string(),
            actions: of_plan.filter_map(|(action, outcome)| action_of(action, outcome)).collect(),
        }
    }

    /// A name for a run: its second and millisecond, and four letters that tell runs of one such apart.
    pub fn name(began: Timestamp, nonce: &crate::model::Nonce) -> String {
        let tail: String = nonce.as_str().chars().take(4).collect();
        format!("{}-{tail}", began.strftime("%Y%m%dT%H%M%SZ-%3f"))
    }

    /// Whether it did, or may have done, anything.
    pub fn did_something(&self) -> bool {
        self.actions.iter().any(RunAction::may_have_happened)
    }

    /// What taking it back has to look at.
    ///
    /// # Errors
    /// The address that is none.
    pub fn undoing(&self) -> Result<Undoing, String> {
        let happened = self.actions.iter().filter(|action| action.may_have_happened());
        let made = happened.filter_map(|action| action.made().transpose()).collect::<Result<_, _>>()?;
        Ok(Undoing { run: self.id.clone(), made })
    }
}

fn action_of(action: &Action, outcome: &Outcome) -> Option<RunAction> {
    let state = match &outcome.became {
        Became::Done { .. } => "done",
        Became::Staged { .. } => "staged",
        Became::Failed { .. } => "failed",
        Became::InDoubt { .. } => "in_doubt",
        Became::NotStarted { .. } => "not_started",
        Became::Left { .. } => "left",
        Became::Blocked => return None,
    };
    let changes = action.changes.iter().map(|change| RunChange {
        field: change.field.to_owned(),
        before: change.before.clone(),
        after: change.after.clone(),
    });
    Some(RunAction {
        address: outcome.address.to_string(),
        verb: outcome.verb.as_str().to_owned(),
        generation: outcome.generation,
        id: outcome.id.clone(),
        state: state.to_owned(),
        changes: changes.collect(),
    })
}

impl RunAction {
    fn may_have_happened(&self) -> bool {
        matches!(self.state.as_str(), "done" | "staged" | "failed" | "in_doubt")
    }

    /// `None` for what leaves nothing to take back: a key that was never enabled was cleared away.
    fn made(&self) -> Result<Option<Made>, String> {
        let what = match self.verb.as_str() {
            "update" | "enable" | "disable" => What::Changed,
            "create" | "release" | "replace" | "rotate" => What::Made,
            "delete" | "revoke" => What::Deleted,
            "discard" => return Ok(None),
            _ => What::Recorded,
        };
        let address: Address = self.address.parse().map_err(|_| "an address in it is none".to_owned())?;
        let change =
            |change: &RunChange| Some((change.field.clone(), change.before.clone()?, change.after.clone()?));
        let changes = self.changes.iter().filter_map(change).collect();
        // Where nothing changed at the service, only keycomb's own record did, and that follows the files.
        Ok(Some(Made { address, id: self.id.clone(), what, changes }))
    }
}

/// Keeps a run's account, and of all the [`KEPT`] newest. `text` is the run as JSON.
///
/// # Errors
/// As the system says. Nothing but the account is lost.
pub fn keep(folder: &Path, id: &str, text: &str) -> io::Result<()> {
    let path = path_of(folder, id)?;
    let temporary = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&temporary).and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written.and_then(|()| fs::rename(&temporary, &path)) {
        // Only to leave no litter.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    let names = names(folder)?;
    let over = names.len().saturating_sub(KEPT);
    for name in names.into_iter().take(over) {
        fs::remove_file(path_of(folder, &name)?)?;
    }
    Ok(())
}

/// The names of all runs, oldest first; none where there is no folder.
///
/// # Errors
/// As the system says.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        Err(error) => return Err(error),
    };
    let mut names = vec![];
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(".json"));
        names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

/// Reads one run's account.
///
/// # Errors
/// As the system says; `InvalidData` for what is no run of this format.
pub fn read(folder: &Path, id: &str) -> io::Result<Run> {
    let path = path_of(folder, id)?;
    let found = fs::symlink_metadata(&path)?;
    let invalid = |why: &'static str| io::Error::new(io::ErrorKind::InvalidData, why);
    if !found.is_file() || found.len() > LARGEST {
        return Err(invalid("it is no file, or larger than any run's"));
    }
    // The parser's own words would repeat what stands there.
    let run: Run =
        serde_json::from_slice(&fs::read(&path)?).map_err(|_| invalid("it is no run of this format"))?;
    if run.format != FORMAT || run.id != id {
        return Err(invalid("it is another run, or of another format"));
    }
    Ok(run)
}

fn is_name(name: &str) -> bool {
    (1..=40).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn path_of(folder: &Path, id: &str) -> io::Result<PathBuf> {
    if !is_name(id) {
        return Err(io::Error::new(io::ErrorKind::NotFound, "that is no run's name"));
    }
    Ok(folder.join(format!("{id}.json")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(id: &str) -> Run {
        Run {
            format: FORMAT.into(),
            id: id.into(),
            command: "apply".into(),
            team: "acme".into(),
            endpoint: "https://api.honeycomb.io".into(),
            lineage: None,
            serial: 1,
            began: "2026-01-01T00:00:00Z".into(),
            ended: "2026-01-01T00:00:00Z".into(),
            actions: vec![],
        }
    }

    fn kept(folder: &Path, id: &str) -> io::Result<()> {
        keep(folder, id, &serde_json::to_string(&run(id)).unwrap())
    }

    #[test]
    fn the_newest_are_kept_and_read_back() {
        let folder = tempfile::tempdir().unwrap();
        for number in 0..KEPT + 3 {
            kept(folder.path(), &format!("20260101T000000Z-{number:04}")).unwrap();
        }
        let names = names(folder.path()).unwrap();
        assert_eq!((names.len(), names[0].as_str()), (KEPT, "20260101T000000Z-0003"));
        assert_eq!(read(folder.path(), &names[0]).unwrap(), run(&names[0]));
    }

    #[test]
    fn no_name_leads_out_of_the_folder_and_no_run_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        for id in ["../x", "a/b", "", "a.b", "ä"] {
            assert!(kept(folder.path(), id).is_err() && read(folder.path(), id).is_err(), "{id}");
        }
        let path = folder.path().join("a.json");
        fs::write(&path, serde_json::to_string(&run("b")).unwrap()).unwrap();
        assert_eq!(read(folder.path(), "a").unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(names(&folder.path().join("none")).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn names_sort_by_time() {
        let nonce = crate::model::Nonce::new("0123456789abcdef").unwrap();
        let name = |second| Run::name(Timestamp::from_second(second).unwrap(), &nonce);
        assert_eq!(name(1_800_000_000), "20270115T080000Z-000-0123");
        assert!(name(1_800_000_000) < name(1_800_000_001) && is_name(&name(0)));
    }
}
