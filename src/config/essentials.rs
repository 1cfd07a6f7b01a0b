//! What of a configuration an emergency needs, whatever else is wrong with it.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::collector::Collector;
use super::defaults::{QUARANTINE, policy};
use super::raw::{RawFile, RawHoneycomb};
use super::read::{folder_of, read_file};
use super::values::Region;
use super::{DEFAULT_SEAL_FILE, SourceFile, VERSION, syntax};
use crate::model::{Desired, Endpoint, SealSettings, TeamSlug};

/// Where the service and the record are, as far as the main file says it beyond doubt. Included files are not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Essentials {
    /// The team.
    pub team: Option<TeamSlug>,
    /// The service; never a default where the file may have said something else.
    pub endpoint: Option<Endpoint>,
    /// The sealed file, relative to `folder`; the default one where the file does not say.
    pub seal_file: String,
    /// The main file's folder.
    pub folder: PathBuf,
}

/// Reads them from the main file at `path`, which may be broken in any way, or not be there.
pub fn essentials(path: &Path) -> Essentials {
    let mut out = Collector::default();
    let main = SourceFile { name: String::new(), text: read_file(path).unwrap_or_default() };
    let (_, raw) = syntax::read::<RawFile>(main, &mut out);
    // What is written for a newer keycomb may mean anything.
    let is_newer = |raw: &RawFile| raw.version.as_ref().is_some_and(|version| version.value.0 > VERSION);
    let raw = raw.filter(|raw| !is_newer(raw)).unwrap_or_default();
    let (team, endpoint) =
        raw.honeycomb.map_or((None, None), |honeycomb| service(honeycomb.value, out.is_broken()));
    let file = raw.seal.and_then(|seal| seal.value.file);
    let seal_file = file.map_or_else(|| DEFAULT_SEAL_FILE.to_owned(), |file| file.value.0);
    Essentials { team, endpoint, seal_file, folder: folder_of(path) }
}

/// In a file that is no TOML, what seems to be left out may be what could not be read.
fn service(raw: RawHoneycomb, is_broken: bool) -> (Option<TeamSlug>, Option<Endpoint>) {
    let RawHoneycomb { team, region, endpoint, present } = raw;
    let is_left_out = !present.has("region") && !present.has("endpoint");
    let endpoint = match (endpoint, region.map(|region| region.value)) {
        (Some(_), Some(_)) => None,
        (Some(endpoint), None) if !present.has("region") => Some(endpoint.value),
        (None, Some(Region::Eu)) if !present.has("endpoint") => Some(Endpoint::eu()),
        (None, Some(Region::Us)) if !present.has("endpoint") => Some(Endpoint::us()),
        (None, None) if is_left_out && !is_broken => Some(Endpoint::us()),
        _ => None,
    };
    (team.map(|team| team.value), endpoint)
}

impl Essentials {
    /// A configuration that declares nothing, for this team and service.
    pub fn declaring_nothing(self, team: TeamSlug, endpoint: Endpoint) -> Desired {
        let seal = SealSettings {
            file: self.seal_file,
            recipients: IndexMap::new(),
            environments: IndexMap::new(),
            min_proven: 0,
        };
        Desired {
            team,
            endpoint,
            seal,
            policy: policy(None),
            quarantine: QUARANTINE,
            environments: IndexMap::new(),
            keys: IndexMap::new(),
            external_keys: IndexMap::new(),
            ignore: vec![],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Essentials {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keycomb.toml");
        std::fs::write(&path, text).unwrap();
        essentials(&path)
    }

    #[test]
    fn what_is_said_beyond_doubt_is_taken_whatever_else_is_wrong() {
        let eu = Some(Endpoint::eu());
        for (text, is_team, endpoint) in [
            ("[honeycomb]\nteam = \"acme\"", true, Some(Endpoint::us())),
            ("[honeycomb]\nteam = \"acme\"\nregion = \"eu\"\n[nonsense]\nx = 1", true, eu.clone()),
            ("version = \"x\"\n[honeycomb]\nteam = 5\nregion = \"eu\"", false, eu.clone()),
            // A region that is not known could be any.
            ("[honeycomb]\nteam = \"acme\"\nregion = \"ue\"", true, None),
            ("[honeycomb]\nteam = \"acme\"\nendpoint = 7", true, None),
            (
                "[honeycomb]\nteam = \"acme\"\nregion = \"eu\"\nendpoint = \"https://api.example.com\"",
                true,
                None,
            ),
            // What is no TOML may have lost its region.
            ("[honeycomb]\nteam = \"acme\"\nregion = eu eu eu\n[key.x\n", true, None),
            ("[honeycomb]\nteam = \"acme\"\nregion = \"eu\"\n[key.x\n", true, eu),
            ("version = 2\n[honeycomb]\nteam = \"acme\"", false, None),
            ("", false, None),
            ("\u{0}\u{1}", false, None),
        ] {
            let read = read(text);
            assert_eq!((read.team.is_some(), read.endpoint), (is_team, endpoint), "{text}");
        }
    }

    #[test]
    fn the_sealed_file_is_the_one_that_is_named() {
        assert_eq!(read("[seal]\nfile = \"other.toml\"\n[seal.recipients]\nops = 5").seal_file, "other.toml");
        assert_eq!(read("not TOML at all").seal_file, DEFAULT_SEAL_FILE);
        assert_eq!(essentials(Path::new("nowhere/keycomb.toml")).folder, Path::new("nowhere"));
    }
}
