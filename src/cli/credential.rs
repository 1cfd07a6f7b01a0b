//! Which management key, and from where. Values never come from the command line or the configuration.

use std::path::Path;

use super::private_file::Unread;
use super::stored::{self, Account};
use crate::config;
use crate::model::Secret;

/// A management key and where it was found.
#[derive(Debug)]
pub struct Found {
    /// The key's id.
    pub id: String,
    /// The key's secret.
    pub secret: Secret,
    /// Where it was found, for people: a variable's or a file's name.
    pub source: String,
    /// Where others were found that count less.
    pub shadowed: Vec<String>,
}

/// What the search needs of the outside.
pub trait Lookup {
    /// An environment variable; empty counts as not set.
    fn variable(&self, name: &str) -> Option<Secret>;
    /// A file's text.
    ///
    /// # Errors
    /// Why it cannot be read, or must not be used.
    fn read(&self, path: &Path) -> Result<Secret, Unread>;
}

/// Variables that hold an id and a secret; each may be given as a file with `_FILE` behind its name.
/// The first step counts more than the second; pairs of one step must agree.
const STEPS: &[&[(&str, &str)]] = &[
    &[("KEYCOMB_KEY_ID", "KEYCOMB_KEY_SECRET")],
    &[
        ("HONEYCOMB_KEY_ID", "HONEYCOMB_KEY_SECRET"),
        ("HONEYCOMB_MANAGEMENT_KEY", "HONEYCOMB_MANAGEMENT_SECRET"),
    ],
];

/// Finds the management key: `--key-file`, then `KEYCOMB_*`, then Honeycomb's own variables, then the login that is stored
/// for the account.
///
/// # Errors
/// See [`CredentialError`]. None repeats a value.
pub fn find(
    key_file: Option<&Path>,
    account: Account<'_>,
    lookup: &dyn Lookup,
) -> Result<Found, CredentialError> {
    let mut found = given(key_file, lookup)?;
    match stored::find(account, lookup) {
        Ok(login) => found.extend(login),
        // Where another counts more, nothing is wanted of it.
        Err(_) if !found.is_empty() => {}
        Err(error) => return Err(error),
    }
    let mut found = found.into_iter();
    let mut winner = found.next().ok_or(CredentialError::None)?;
    winner.shadowed = found.map(|other| other.source).collect();
    Ok(winner)
}

/// All that are given to this run, what counts most first: `--key-file`, then `KEYCOMB_*`, then Honeycomb's own variables.
///
/// # Errors
/// As [`find`].
pub fn given(key_file: Option<&Path>, lookup: &dyn Lookup) -> Result<Vec<Found>, CredentialError> {
    let mut found: Vec<Found> = Vec::new();
    if let Some(path) = key_file {
        let text = read(path, lookup)?;
        let parts = text.expose().trim().split_once(':');
        let (id, secret) = parts.ok_or_else(|| CredentialError::Form { path: path.display().to_string() })?;
        found.push(whole(id, secret, format!("file {}", path.display()))?);
    }
    for step in STEPS {
        let mut of_step: Vec<Found> = Vec::new();
        for (id_name, secret_name) in *step {
            let Some(pair) = pair(id_name, secret_name, lookup)? else { continue };
            if let Some(other) = of_step.first()
                && (other.id != pair.id || other.secret.expose() != pair.secret.expose())
            {
                return Err(CredentialError::Contradiction { one: other.source.clone(), other: pair.source });
            }
            of_step.push(pair);
        }
        found.extend(of_step);
    }
    Ok(found)
}

fn pair(id_name: &str, secret_name: &str, lookup: &dyn Lookup) -> Result<Option<Found>, CredentialError> {
    match (value(id_name, lookup)?, value(secret_name, lookup)?) {
        (None, None) => Ok(None),
        (Some((id, id_from)), Some((secret, secret_from))) => {
            Ok(Some(whole(id.expose(), secret.expose(), format!("{id_from} and {secret_from}"))?))
        }
        (Some((_, from)), None) => Err(CredentialError::Half { from, missing: secret_name.to_owned() }),
        (None, Some((_, from))) => Err(CredentialError::Half { from, missing: id_name.to_owned() }),
    }
}

/// The value of a variable, or of the file that its `_FILE` sibling names, and where it was.
fn value(name: &str, lookup: &dyn Lookup) -> Result<Option<(Secret, String)>, CredentialError> {
    let file_name = format!("{name}_FILE");
    match (lookup.variable(name), lookup.variable(&file_name)) {
        (Some(_), Some(_)) => Err(CredentialError::Contradiction { one: name.to_owned(), other: file_name }),
        (Some(text), None) => Ok(Some((text, name.to_owned()))),
        (None, Some(path)) => {
            // What a shell or a mounted file left at the end is no part of the name.
            let path = Path::new(path.expose().trim_end_matches(['\r', '\n']));
            Ok(Some((read(path, lookup)?, file_name)))
        }
        (None, None) => Ok(None),
    }
}

fn read(path: &Path, lookup: &dyn Lookup) -> Result<Secret, CredentialError> {
    lookup.read(path).map_err(|unread| {
        let path = path.display().to_string();
        match unread {
            Unread::Loose { mend } => CredentialError::Loose { path, mend },
            // Somebody may have given the key itself where its file's name was asked for.
            Unread::Io(_) if config::mask(&path) != path || path.contains(':') || path.contains("mk_") => {
                CredentialError::Value
            }
            Unread::Io(source) => CredentialError::Read { path, source },
        }
    })
}

/// A key, if both halves can stand in a header.
///
/// # Errors
/// [`CredentialError::Characters`].
pub fn whole(id: &str, secret: &str, source: String) -> Result<Found, CredentialError> {
    let (id, secret) = (id.trim(), secret.trim());
    let is_header_safe =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !is_header_safe(id) || !is_header_safe(secret) {
        return Err(CredentialError::Characters { source });
    }
    Ok(Found { id: id.to_owned(), secret: Secret::new(secret.to_owned()), source, shadowed: Vec::new() })
}

/// No usable management key.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum CredentialError {
    /// None anywhere.
    #[error("no management key was given")]
    #[diagnostic(help(
        "a team owner makes one in Honeycomb under Team Settings > API Keys > Management; set HONEYCOMB_KEY_ID and \
         HONEYCOMB_KEY_SECRET, or give --key-file FILE with ID:SECRET, or store it with `keycomb auth login`; or try keycomb \
         without one: --sandbox"
    ))]
    None,
    /// An id without a secret, or the other way round.
    #[error("{from} is set, and {missing} is not")]
    #[diagnostic(help("set both, or neither"))]
    Half {
        /// What is set.
        from: String,
        /// What is not.
        missing: String,
    },
    /// Two sources of one rank disagree.
    #[error("{one} and {other} both give a management key, and they differ")]
    #[diagnostic(help(
        "unset one of them, or choose with --key-file or the KEYCOMB_ variables, which count more"
    ))]
    Contradiction {
        /// One.
        one: String,
        /// The other.
        other: String,
    },
    /// A file that cannot be read.
    #[error("cannot read the management key from `{path}`")]
    #[diagnostic(help("check the path and its permissions"))]
    Read {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A file that is not its owner's alone.
    #[error("others on this machine can read or change the management key in `{path}`")]
    #[diagnostic(help(
        "run `{mend}`; if others may have read it, make a new key (a mounted secret takes its mode where it is \
         mounted: `defaultMode: 0400`)"
    ))]
    Loose {
        /// The file.
        path: String,
        /// The command that ends it.
        mend: String,
    },
    /// What was given is no file's name.
    #[error(
        "expected the name of a file that holds the management key, and what was given looks like the key itself"
    )]
    #[diagnostic(help(
        "a key on the command line can be read by everybody on this machine: make a new one if this one was real"
    ))]
    Value,
    /// A key file of another form.
    #[error("`{path}` does not hold a management key")]
    #[diagnostic(help("expected one line: the key's id, a colon, its secret"))]
    Form {
        /// The file.
        path: String,
    },
    /// The file of stored logins.
    #[error("`{path}` is not what `keycomb auth login` writes")]
    #[diagnostic(help(
        "move it away, and log in again; or give the key in another way: `keycomb auth --help`"
    ))]
    Stored {
        /// The file.
        path: String,
    },
    /// Blanks, colons or other characters that no key has.
    #[error("the management key from {source} has characters that no management key has")]
    #[diagnostic(help(
        "id and secret are printable ASCII without blanks and colons; look for a copied quote or line break"
    ))]
    Characters {
        /// Where it was found.
        r#source: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, TeamSlug};
    use std::collections::HashMap;

    #[derive(Default)]
    struct Fake(HashMap<&'static str, &'static str>, HashMap<&'static str, &'static str>);

    impl Lookup for Fake {
        fn variable(&self, name: &str) -> Option<Secret> {
            self.0.get(name).map(|text| Secret::new((*text).to_owned()))
        }
        fn read(&self, path: &Path) -> Result<Secret, Unread> {
            let missing = || std::io::Error::from(std::io::ErrorKind::NotFound);
            let text = self.1.get(path.to_str().unwrap()).ok_or_else(missing)?;
            Ok(Secret::new((*text).to_owned()))
        }
    }

    fn variables(list: &[(&'static str, &'static str)]) -> Fake {
        Fake(
            list.iter().copied().collect(),
            HashMap::from([("/k", "fid:fsecret\r\n"), ("/s", "filesecret\r\n")]),
        )
    }

    fn find_in(key_file: Option<&Path>, lookup: &Fake) -> Result<Found, CredentialError> {
        let (endpoint, team) = (Endpoint::us(), TeamSlug::new("acme").unwrap());
        find(key_file, Account { endpoint: &endpoint, team: &team }, lookup)
    }

    const LOGIN: &str = "version = 1\n[[login]]\nendpoint = \"https://api.honeycomb.io\"\nteam = \"acme\"\nid = \"stored\"\nsecret = \"s\"\n";

    /// DESIGN §3: the flag's file, then keycomb's own variables, then the vendor's, then the stored login; of each step
    /// every spelling.
    #[test]
    fn the_precedence_of_sources_is_a_table() {
        let own: &[(&str, &str)] = &[("KEYCOMB_KEY_ID", "own"), ("KEYCOMB_KEY_SECRET", "s")];
        let own_files: &[(&str, &str)] =
            &[("KEYCOMB_KEY_ID_FILE", "/own"), ("KEYCOMB_KEY_SECRET_FILE", "/s")];
        let vendor: &[(&str, &str)] = &[("HONEYCOMB_KEY_ID", "vendor"), ("HONEYCOMB_KEY_SECRET", "s")];
        let vendor_files: &[(&str, &str)] =
            &[("HONEYCOMB_KEY_ID_FILE", "/vendor"), ("HONEYCOMB_KEY_SECRET_FILE", "/s")];
        let terraform: &[(&str, &str)] =
            &[("HONEYCOMB_MANAGEMENT_KEY", "vendor"), ("HONEYCOMB_MANAGEMENT_SECRET", "s")];
        let terraform_files: &[(&str, &str)] =
            &[("HONEYCOMB_MANAGEMENT_KEY_FILE", "/vendor"), ("HONEYCOMB_MANAGEMENT_SECRET_FILE", "/s")];
        let steps = [vec![own, own_files], vec![vendor, vendor_files, terraform, terraform_files]];
        let files = [("/k", "fid:fsecret"), ("/own", "own"), ("/vendor", "vendor"), ("/s", "s")];
        let stored = "/home/.config/keycomb/credentials.toml";
        let mut rows = 0;
        // None or one spelling of each step; with and without the flag and a login.
        for own in [None, Some(steps[0][0]), Some(steps[0][1])] {
            for vendor in std::iter::once(None).chain(steps[1].iter().copied().map(Some)) {
                for (flag, login) in [(false, false), (false, true), (true, false), (true, true)] {
                    let variables = own.iter().chain(&vendor).flat_map(|pairs| pairs.iter().copied());
                    let mut fake = Fake(variables.collect(), HashMap::from(files));
                    fake.0.insert("HOME", "/home");
                    if login {
                        fake.1.insert(stored, LOGIN);
                    }
                    let expected: Vec<&str> = [
                        (flag, "fid"),
                        (own.is_some(), "own"),
                        (vendor.is_some(), "vendor"),
                        (login, "stored"),
                    ]
                    .into_iter()
                    .filter_map(|(is_there, id)| is_there.then_some(id))
                    .collect();
                    let found = find_in(flag.then_some(Path::new("/k")), &fake);
                    match (expected.first(), found) {
                        (None, Err(CredentialError::None)) => {}
                        (Some(id), Ok(found)) => {
                            assert_eq!(found.id, **id, "{expected:?}");
                            assert_eq!(found.shadowed.len(), expected.len() - 1, "{:?}", found.shadowed);
                        }
                        (expected, found) => panic!("{expected:?}: {found:?}"),
                    }
                    rows += 1;
                }
            }
        }
        assert_eq!(rows, 3 * 5 * 4);
    }

    #[test]
    fn two_spellings_of_one_step_must_say_the_same() {
        let contradiction = |list: &[(&'static str, &'static str)]| {
            matches!(find_in(None, &variables(list)), Err(CredentialError::Contradiction { .. }))
        };
        for step in ["KEYCOMB_KEY", "HONEYCOMB_KEY"] {
            for half in ["ID", "SECRET"] {
                let names = [format!("{step}_{half}"), format!("{step}_{half}_FILE")];
                let [plain, file] = names.map(|name| &*name.leak());
                assert!(contradiction(&[(plain, "a"), (file, "/s")]), "{plain} and {file}");
            }
        }
        let pairs = |secret| {
            [
                ("HONEYCOMB_KEY_ID", "a"),
                ("HONEYCOMB_KEY_SECRET", "b"),
                ("HONEYCOMB_MANAGEMENT_KEY", "a"),
                ("HONEYCOMB_MANAGEMENT_SECRET", secret),
            ]
        };
        assert!(contradiction(&pairs("c")) && !contradiction(&pairs("b")));
    }

    #[test]
    fn a_login_is_for_its_own_service_and_team_and_a_broken_one_is_in_nobodys_way() {
        let stored = "/home/.config/keycomb/credentials.toml";
        for (of, is_found) in [("acme", true), ("other", false)] {
            let text = LOGIN.replace("acme", of).leak();
            let fake = Fake(HashMap::from([("HOME", "/home")]), HashMap::from([(stored, &*text)]));
            assert_eq!(find_in(None, &fake).is_ok(), is_found, "{of}");
        }
        let xdg = HashMap::from([("HOME", "/home"), ("XDG_CONFIG_HOME", "/xdg")]);
        let fake = Fake(xdg, HashMap::from([("/xdg/keycomb/credentials.toml", LOGIN)]));
        assert_eq!(find_in(None, &fake).unwrap().source, "the login stored in /xdg/keycomb/credentials.toml");
        let broken = HashMap::from([(stored, "nonsense")]);
        let alone = Fake(HashMap::from([("HOME", "/home")]), broken.clone());
        assert!(matches!(find_in(None, &alone), Err(CredentialError::Stored { .. })));
        let mut shadowed =
            variables(&[("KEYCOMB_KEY_ID", "a"), ("KEYCOMB_KEY_SECRET", "b"), ("HOME", "/home")]);
        shadowed.1.extend(broken);
        assert_eq!(find_in(None, &shadowed).unwrap().id, "a");
    }

    #[test]
    fn a_key_file_counts_more_than_variables_and_says_what_it_shadows() {
        let fake = variables(&[
            ("HONEYCOMB_KEY_ID", "v"),
            ("HONEYCOMB_KEY_SECRET", "w"),
            ("KEYCOMB_KEY_ID", "k"),
            ("KEYCOMB_KEY_SECRET", "l"),
        ]);
        let found = find_in(Some(Path::new("/k")), &fake).unwrap();
        assert_eq!((found.id.as_str(), found.secret.expose()), ("fid", "fsecret"));
        assert_eq!(
            found.shadowed,
            ["KEYCOMB_KEY_ID and KEYCOMB_KEY_SECRET", "HONEYCOMB_KEY_ID and HONEYCOMB_KEY_SECRET"]
        );
        assert_eq!(find_in(None, &fake).unwrap().id, "k");
    }

    #[test]
    fn a_variable_may_name_a_file() {
        let fake =
            variables(&[("HONEYCOMB_MANAGEMENT_KEY", "id"), ("HONEYCOMB_MANAGEMENT_SECRET_FILE", "/s")]);
        let found = find_in(None, &fake).unwrap();
        assert_eq!((found.id.as_str(), found.secret.expose()), ("id", "filesecret"));
        assert_eq!(found.source, "HONEYCOMB_MANAGEMENT_KEY and HONEYCOMB_MANAGEMENT_SECRET_FILE");
    }

    #[test]
    fn line_ends_around_a_value_or_a_files_name_are_no_part_of_it() {
        let fake = variables(&[("KEYCOMB_KEY_ID", "id\r\n"), ("KEYCOMB_KEY_SECRET_FILE", "/s\n")]);
        let found = find_in(None, &fake).unwrap();
        assert_eq!((found.id.as_str(), found.secret.expose()), ("id", "filesecret"));
        for broken in ["a\nb", "a\r\nX-Header: b", "a\0b", "\u{feff}a", "a\u{fffd}"] {
            let fake = variables(&[("KEYCOMB_KEY_ID", "id"), ("KEYCOMB_KEY_SECRET", broken)]);
            assert!(matches!(find_in(None, &fake), Err(CredentialError::Characters { .. })), "{broken:?}");
        }
    }

    #[test]
    fn sources_of_one_rank_must_agree() {
        let both = |secret| {
            variables(&[
                ("HONEYCOMB_KEY_ID", "a"),
                ("HONEYCOMB_KEY_SECRET", "b"),
                ("HONEYCOMB_MANAGEMENT_KEY", "a"),
                ("HONEYCOMB_MANAGEMENT_SECRET", secret),
            ])
        };
        assert_eq!(find_in(None, &both("b")).unwrap().shadowed.len(), 1);
        assert!(matches!(find_in(None, &both("c")), Err(CredentialError::Contradiction { .. })));
    }

    #[test]
    fn half_a_key_none_and_odd_characters_are_refused_without_repeating_them() {
        assert!(matches!(find_in(None, &variables(&[])), Err(CredentialError::None)));
        assert!(matches!(
            find_in(None, &variables(&[("KEYCOMB_KEY_ID", "a")])),
            Err(CredentialError::Half { .. })
        ));
        let odd = find_in(None, &variables(&[("KEYCOMB_KEY_ID", "a"), ("KEYCOMB_KEY_SECRET", "top secret")]))
            .unwrap_err();
        assert!(!format!("{odd} {odd:?}").contains("top secret"));
        assert!(matches!(find_in(Some(Path::new("/s")), &variables(&[])), Err(CredentialError::Form { .. })));
        let value = find_in(Some(Path::new("hcxmk_1:top-secret")), &variables(&[])).unwrap_err();
        assert!(matches!(value, CredentialError::Value) && !format!("{value:?}").contains("top-secret"));
    }
}
