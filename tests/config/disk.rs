//! Reading from disk: includes, links, sizes.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use keycomb::config::{Loaded, Problems, load};
use tempfile::TempDir;

use crate::support::{head, main_file, messages, render};

fn key(name: &str) -> String {
    format!("[key.{name}]\nenvironment = \"production\"\ntype = \"ingest\"\n")
}

/// A folder with a main file that includes `patterns`, and `files`.
fn folder(patterns: &str, files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "keycomb.toml", &format!("include = [{patterns}]\n{}", main_file("")));
    for (name, text) in files {
        write(folder.path(), name, text);
    }
    folder
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn load_in(folder: &TempDir) -> Result<Loaded, Problems> {
    load(&folder.path().join("keycomb.toml"))
}

fn names(loaded: &Loaded) -> Vec<&str> {
    loaded.files.iter().map(|file| file.name.as_str()).collect()
}

#[test]
fn includes_come_sorted_and_once() {
    let folder = folder(
        "\"keys/*.toml\", \"**/*.toml\"",
        &[
            ("keys/b.toml", &key("b")),
            ("keys/a.toml", &key("a")),
            ("deep/er/c.toml", &key("c")),
            ("keys/notes.txt", "not TOML"),
            (".keycomb/hidden.toml", "not TOML"),
            ("keycomb.sealed.toml", "lineage = 1"),
        ],
    );
    let loaded = load_in(&folder).unwrap_or_else(|problems| panic!("{}", render(&problems)));
    assert_eq!(names(&loaded), ["keycomb.toml", "deep/er/c.toml", "keys/a.toml", "keys/b.toml"]);
    assert_eq!(loaded.folder, folder.path());
    assert_eq!(loaded.desired.keys.len(), 3);
    assert_eq!(loaded.desired.keys[0].origin.file, "deep/er/c.toml");
}

#[test]
fn the_sealed_file_is_not_included_under_its_own_name_either() {
    let folder = folder("\"*.toml\"", &[("a.toml", &key("a")), ("vault.toml", "lineage = 1")]);
    let text = fs::read_to_string(folder.path().join("keycomb.toml")).unwrap();
    write(
        folder.path(),
        "keycomb.toml",
        &text.replace("[seal.rec", "[seal]\nfile = \"vault.toml\"\n[seal.rec"),
    );
    assert_eq!(names(&load_in(&folder).unwrap()), ["keycomb.toml", "a.toml"]);
}

#[test]
fn a_glob_that_matches_nothing_is_told() {
    let folder = folder("\"kees/*.toml\", \"keycomb.toml\", \"a.toml\"", &[("a.toml", "")]);
    let problems = load_in(&folder).unwrap_err();
    assert_eq!(messages(&problems), ["`kees/*.toml` matches no file", "`keycomb.toml` matches no file"]);
    insta::assert_snapshot!("include_matches_nothing", render(&problems));
}

#[test]
fn an_include_outside_the_folder_is_refused_before_it_is_read() {
    let parent = tempfile::tempdir().unwrap();
    write(parent.path(), "outside.toml", "secret stuff");
    write(parent.path(), "in/keycomb.toml", &format!("include = [\"../outside.toml\"]\n{}", head()));
    let problems = load(&parent.path().join("in/keycomb.toml")).unwrap_err();
    assert_eq!(messages(&problems), ["this path leads out of the configuration's folder"]);
}

#[test]
fn a_link_out_of_the_folder_is_refused_before_it_is_read() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "x.toml", "secret stuff");
    let folder = folder("\"link.toml\", \"sub/*.toml\"", &[]);
    symlink(outside.path().join("x.toml"), folder.path().join("link.toml")).unwrap();
    symlink(outside.path(), folder.path().join("sub")).unwrap();
    let problems = load_in(&folder).unwrap_err();
    assert_eq!(
        messages(&problems),
        [
            "`link.toml` is a link that leads out of the configuration's folder",
            "`sub/x.toml` is a link that leads out of the configuration's folder",
        ]
    );
    assert!(!render(&problems).contains("secret stuff"));
}

#[test]
fn a_link_within_the_folder_is_read_once() {
    let folder = folder("\"*.toml\"", &[("a.toml", &key("a"))]);
    symlink(folder.path().join("a.toml"), folder.path().join("b.toml")).unwrap();
    symlink(folder.path().join("keycomb.toml"), folder.path().join("c.toml")).unwrap();
    assert_eq!(names(&load_in(&folder).unwrap()), ["keycomb.toml", "a.toml"]);
}

#[test]
fn a_dangling_link_is_told() {
    let folder = folder("\"*.toml\"", &[("a.toml", &key("a"))]);
    symlink("nowhere", folder.path().join("b.toml")).unwrap();
    let problems = load_in(&folder).unwrap_err();
    assert_eq!(messages(&problems), ["what this matches cannot be read: it does not exist"]);
}

#[test]
fn a_main_file_that_is_not_there_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let problems = load_in(&folder).unwrap_err();
    insta::assert_snapshot!("main_file_missing", render(&problems));
    let problems = load(folder.path()).unwrap_err();
    assert_eq!(messages(&problems), ["the file cannot be read: it is not a regular file"]);
}

#[test]
fn a_file_larger_than_a_mebibyte_is_refused() {
    let folder = folder(
        "\"*.toml\"",
        &[("a.toml", &"#".repeat(1024 * 1024)), ("b.toml", &"#".repeat(1024 * 1024 + 1))],
    );
    let problems = load_in(&folder).unwrap_err();
    assert_eq!(messages(&problems), ["the file is larger than 1048576 bytes (1 MiB)"]);
    assert_eq!(problems.list()[0].file, "b.toml");
}

#[test]
fn a_folder_with_glob_characters_in_its_name_is_a_folder() {
    let parent = tempfile::tempdir().unwrap();
    write(parent.path(), "[x]*/keycomb.toml", &format!("include = [\"k/*.toml\"]\n{}", main_file("")));
    write(parent.path(), "[x]*/k/a.toml", &key("a"));
    let loaded = load(&parent.path().join("[x]*/keycomb.toml")).unwrap();
    assert_eq!(names(&loaded), ["keycomb.toml", "k/a.toml"]);
}

#[test]
fn files_are_fingerprinted() {
    let folder = folder("", &[]);
    write(folder.path(), "keycomb.toml", "version = 1\n[honeycomb]\nteam = \"acme\"\n");
    let loaded = load_in(&folder).unwrap();
    // sha256sum of that text.
    assert_eq!(
        loaded.files[0].sha256.as_str(),
        "e768c15c33765561d446b523feb83feb6f61013c54d642ede55849ab0ed083ed"
    );
}
