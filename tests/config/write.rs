//! Writing configuration: what people wrote stays, several files are all there or none, and no link is followed.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use keycomb::config::write::{Block, Edit, EnvironmentBlock, KeyBlock, Scalar, WriteError};
use keycomb::model::{Color, EnvironmentAttributes, KeyType, Label, Permission};

use crate::support::main_file;

fn label(text: &str) -> Label {
    Label::new(text).unwrap()
}

fn environment(name: &str) -> Block {
    Block::Environment(EnvironmentBlock {
        label: label(name),
        name: name.to_uppercase(),
        attributes: EnvironmentAttributes { color: Some(Color::Red), ..EnvironmentAttributes::default() },
        comment: vec!["adopted".into()],
    })
}

fn key(name: &str, environment: &str) -> Block {
    Block::Key(KeyBlock {
        label: label(name),
        environment: label(environment),
        key_type: KeyType::Ingest,
        name: "checkout {collectors}".into(),
        permissions: [Permission::CreateDatasets].into(),
        enabled: false,
        protected: false,
        comment: vec![],
    })
}

/// Everything below a folder, but what begins with a dot.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                found.insert(name, fs::read_to_string(&path).unwrap_or_default());
            }
        }
    }
    found
}

fn folder(main: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("keycomb.toml"), main).unwrap();
    folder
}

fn open(folder: &Path) -> Edit {
    Edit::open(&folder.join("keycomb.toml")).unwrap().0
}

#[test]
fn a_block_is_added_behind_what_is_there_and_nothing_else_moves() {
    let main = main_file("# my key\n[key.mine]   # odd   spacing\ntype='ingest'\nenvironment =\"staging\"");
    let folder = folder(&main);
    fs::set_permissions(folder.path().join("keycomb.toml"), fs::Permissions::from_mode(0o640)).unwrap();
    let mut edit = open(folder.path());
    edit.add("keycomb.toml", &[environment("other"), key("checkout", "other")]).unwrap();
    let wanted = edit.preview().unwrap();
    edit.write().unwrap();
    let found = files(folder.path());
    assert_eq!(found.len(), 1, "{found:?}");
    let added = "\n\n# adopted\n[environment.other]\nname = \"OTHER\"\ncolor = \"red\"\n\n[key.checkout]\n\
                 environment = \"other\"\ntype = \"ingest\"\nname = \"checkout {{collectors}}\"\n\
                 permissions = [\"create_datasets\"]\nenabled = false\n";
    assert_eq!(found["keycomb.toml"], format!("{main}{added}"));
    assert_eq!(open(folder.path()).preview().unwrap(), wanted);
    let mode = fs::metadata(folder.path().join("keycomb.toml")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[test]
fn a_new_file_is_included_and_the_list_keeps_its_form() {
    for (list, after) in [
        ("", "include = [\"adopted/*.toml\"]\n"),
        ("include = [\"a.toml\"] # mine\n", "include = [\"a.toml\", \"adopted/*.toml\"] # mine\n"),
        (
            "include = [\n  # first\n  \"a.toml\", # one\n]\n",
            "include = [\n  # first\n  \"a.toml\", # one\n  \"adopted/*.toml\",\n]\n",
        ),
        (
            "include = [\n  # first\n  \"a.toml\"\n]\n",
            "include = [\n  # first\n  \"a.toml\",\n  \"adopted/*.toml\"\n]\n",
        ),
        ("include = [ \"adopted/*\", \"a.toml\" ]\n", "include = [ \"adopted/*\", \"a.toml\" ]\n"),
    ] {
        let main = main_file("").replacen("version = 1\n", &format!("version = 1\n{list}"), 1);
        let expected = main_file("").replacen("version = 1\n", &format!("version = 1\n{after}"), 1);
        let folder = folder(&main);
        fs::write(folder.path().join("a.toml"), "").unwrap();
        fs::create_dir(folder.path().join("adopted")).unwrap();
        fs::write(folder.path().join("adopted/old.toml"), "").unwrap();
        if !list.contains("adopted") {
            fs::remove_file(folder.path().join("adopted/old.toml")).unwrap();
        }
        let mut edit = open(folder.path());
        edit.add("./adopted//prod.toml", &[environment("prod"), key("a", "prod")]).unwrap();
        edit.add("adopted/dev.toml", &[environment("dev"), key("a", "dev")]).unwrap();
        edit.write().unwrap_or_else(|error| panic!("{list}: {error}"));
        let found = files(folder.path());
        assert_eq!(found["keycomb.toml"], expected, "{list}");
        let text = &found["adopted/dev.toml"];
        assert!(text.starts_with("# Written by keycomb; yours to change.\n\n# adopted\n"), "{text}");
        let desired = open(folder.path()).preview().unwrap();
        assert_eq!((desired.environments.len(), desired.keys.len()), (4, 2));
    }
}

#[test]
fn only_the_file_itself_is_included_where_the_folder_has_others() {
    let folder = folder(&main_file(""));
    fs::create_dir(folder.path().join("other")).unwrap();
    fs::write(folder.path().join("other/tool.toml"), "not = 'ours'").unwrap();
    let mut edit = open(folder.path());
    edit.add("other/[x].toml", &[environment("x")]).unwrap();
    edit.write().unwrap();
    assert!(files(folder.path())["keycomb.toml"].contains("include = [\"other/[[]x[]].toml\"]"));
    let error = open(folder.path()).add("other/tool.toml", &[environment("y")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`other/tool.toml` is there already, and the configuration does not include it"
    );
}

#[test]
fn single_values_change_and_comments_and_line_ends_stay() {
    let main =
        main_file("[key.mine] # a\ntype = \"ingest\"\nenvironment = \"staging\"\nenabled = true # why\n")
            .replace('\n', "\r\n");
    let folder = folder(&main);
    let mut edit = open(folder.path());
    edit.set("keycomb.toml", &["key", "mine"], "enabled", &Scalar::Bool(false)).unwrap();
    edit.set("keycomb.toml", &["key", "mine"], "owner", &Scalar::Text("a \"b\"".into())).unwrap();
    assert!(edit.set("keycomb.toml", &["key", "other"], "enabled", &Scalar::Bool(true)).is_err());
    edit.write().unwrap();
    let text = files(folder.path()).remove("keycomb.toml").unwrap();
    let expected = main.replace("enabled = true # why", "enabled = false # why") + "owner = 'a \"b\"'\r\n";
    assert_eq!(text, expected);
}

#[test]
fn what_would_be_wrong_changes_nothing() {
    let folder = folder(&main_file(""));
    let before = files(folder.path());
    for blocks in [
        vec![key("a", "nowhere")],
        vec![environment("production")],
        vec![key("a", "staging"), key("a", "staging")],
    ] {
        let mut edit = open(folder.path());
        edit.add("new/a.toml", &blocks).unwrap();
        assert!(matches!(edit.write(), Err(WriteError::Problems(_))));
        assert_eq!(files(folder.path()), before);
        assert!(!folder.path().join("new").exists());
    }
}

#[test]
fn what_does_not_read_as_it_was_meant_is_taken_back() {
    let folder = folder(&main_file(""));
    let before = files(folder.path());
    let mut edit = open(folder.path());
    edit.add("new/a.toml", &[environment("a")]).unwrap();
    // A file that comes in between, and that the new glob matches too.
    fs::create_dir(folder.path().join("new")).unwrap();
    fs::write(folder.path().join("new/b.toml"), "[environment.b]\n").unwrap();
    assert!(matches!(edit.write(), Err(WriteError::Otherwise)));
    fs::remove_dir_all(folder.path().join("new")).unwrap();
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_file_that_somebody_saved_meanwhile_stays_and_so_does_everything_else() {
    let folder = folder(&main_file(""));
    let mut edit = open(folder.path());
    edit.add("new/a.toml", &[environment("a")]).unwrap();
    fs::write(folder.path().join("keycomb.toml"), main_file("# saved\n")).unwrap();
    assert!(matches!(edit.write(), Err(WriteError::Changed { .. })));
    assert_eq!(files(folder.path()), BTreeMap::from([("keycomb.toml".to_owned(), main_file("# saved\n"))]));
}

#[test]
fn a_disk_that_fails_in_the_middle_leaves_the_old_files() {
    let folder = folder(&main_file("").replacen("version = 1", "version = 1\ninclude = [\"*/*.toml\"]", 1));
    for name in ["a", "b"] {
        fs::create_dir(folder.path().join(name)).unwrap();
        fs::write(folder.path().join(name).join("x.toml"), "").unwrap();
    }
    let before = files(folder.path());
    let mut edit = open(folder.path());
    edit.add("a/x.toml", &[environment("a")]).unwrap();
    edit.add("b/x.toml", &[environment("b")]).unwrap();
    // What cannot be removed is in the way of the second temporary file.
    fs::create_dir(folder.path().join("b/.x.toml.keycomb-new")).unwrap();
    assert!(matches!(edit.write(), Err(WriteError::Io { doing: "write", .. })));
    fs::remove_dir(folder.path().join("b/.x.toml.keycomb-new")).unwrap();
    assert_eq!(files(folder.path()), before);
}

#[test]
fn no_link_is_followed_and_no_name_leads_out() {
    let outside = tempfile::tempdir().unwrap();
    let folder = folder(&main_file(""));
    symlink(outside.path(), folder.path().join("link")).unwrap();
    let mut edit = open(folder.path());
    edit.add("link/a.toml", &[environment("a")]).unwrap();
    assert!(matches!(edit.write(), Err(WriteError::Link { .. })));
    assert_eq!(files(outside.path()).len(), 0);
    let names = [
        "/etc/a.toml",
        "../a.toml",
        "a/../b.toml",
        ".hidden.toml",
        "a",
        "a.toml/",
        "",
        "a\\b.toml",
        "c:a.toml",
        "a\n.toml",
    ];
    for name in names {
        assert!(open(folder.path()).add(name, &[environment("a")]).is_err(), "{name:?}");
    }
    // A main file that is a link itself is left alone too.
    fs::rename(folder.path().join("keycomb.toml"), outside.path().join("main.toml")).unwrap();
    symlink(outside.path().join("main.toml"), folder.path().join("keycomb.toml")).unwrap();
    let mut edit = open(folder.path());
    edit.add("keycomb.toml", &[environment("a")]).unwrap();
    assert!(matches!(edit.write(), Err(WriteError::Link { .. })));
    assert_eq!(fs::read_to_string(outside.path().join("main.toml")).unwrap(), main_file(""));
}
